// Internal to net/: the file that a download grows in, kept across runs and held by one writer at a time.
#pragma once

#include "base/digest.hpp"
#include "base/fs.hpp"

namespace envbuild::net {

// `<destination>.partial`, exclusively locked (flock) by this object: other threads and processes wait. Where the file
// system has no locks, a file of its own under another name. Throws Error(Io); Cancelled while waiting.
class PartialFile {
  public:
    PartialFile(fs::path destination, const CancelToken& cancel);
    PartialFile(const PartialFile&) = delete;
    PartialFile& operator=(const PartialFile&) = delete;
    ~PartialFile();  // an empty one is removed, one with bytes stays for the next run

    [[nodiscard]] std::uint64_t size() const { return size_; }
    void append(std::string_view bytes);
    void truncate();
    // The hash of what is there: what an earlier run wrote is read back once.
    [[nodiscard]] Digest digest();
    // fsync, rename to the destination, fsync of the folder.
    void commit();

  private:
    bool open_locked(const CancelToken& cancel);

    fs::path destination_, path_;
    UniqueFd fd_;
    std::uint64_t size_ = 0;
    Sha256 hash_;
    bool committed_ = false;
};

}  // namespace envbuild::net
