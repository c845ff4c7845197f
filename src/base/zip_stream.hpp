// One member of a zip archive as a stream: of any size, in little memory.
#pragma once

#include <memory>
#include <string>

#include "base/byte_stream.hpp"
#include "base/zip_directory.hpp"

namespace envbuild {

// Not thread-safe; several streams over one archive may be read at once where its bytes may. The checksum is not looked
// at: those who stream have a better one to compare with.
class ZipStream final : public ByteSource {
  public:
    // Reads the local header. Corrupt where it contradicts the directory, or where the method is neither "stored" nor
    // deflate. `bytes` and `directory` outlive the stream.
    ZipStream(RandomBytes& bytes, const ZipDirectory& directory, const ZipDirectory::Member& member);
    ~ZipStream() override;
    ZipStream(const ZipStream&) = delete;
    ZipStream& operator=(const ZipStream&) = delete;

    // Corrupt where the data are damaged, or are more or fewer bytes than the directory says: no byte past its size is
    // ever given out.
    [[nodiscard]] std::size_t read(char* buffer, std::size_t size) override;
    [[nodiscard]] std::optional<std::uint64_t> size() const override { return member_.size; }

  private:
    struct Inflater;
    [[nodiscard]] std::size_t inflate(char* buffer, std::size_t size);
    [[noreturn]] void damaged() const;
    void fill();

    RandomBytes& bytes_;
    const ZipDirectory& directory_;
    const ZipDirectory::Member& member_;
    std::uint64_t at_ = 0, stored_left_ = 0;  // of the member's data in the archive
    std::uint64_t left_ = 0;                  // bytes still to give out
    std::string input_;                       // read of the archive, from input_at_ on not used yet
    std::size_t input_at_ = 0;
    std::unique_ptr<Inflater> inflater_;  // none for what is stored
};

}  // namespace envbuild
