// The bytes of a JSON document with the padding that simdjson reads past the end, mapped or held. Internal to conda/.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace envbuild::conda {

// Immutable. Move-only. 64 readable bytes follow the text.
class JsonBytes {
  public:
    // Maps the file. It must not shrink while it is mapped: files of envbuild's own cache are replaced, never written
    // over. NotFound, Io.
    [[nodiscard]] static JsonBytes map(const std::filesystem::path& file);
    explicit JsonBytes(std::string bytes);
    ~JsonBytes();
    JsonBytes(JsonBytes&& other) noexcept;
    JsonBytes& operator=(JsonBytes&&) = delete;

    [[nodiscard]] std::string_view text() const { return {data(), size_}; }
    [[nodiscard]] std::size_t capacity() const { return size_ + kPadding; }  // from the text's start

    static constexpr std::size_t kPadding = 64;

  private:
    JsonBytes() = default;
    [[nodiscard]] const char* data() const {
        return mapping_ != nullptr ? static_cast<const char*>(mapping_) : held_.data();
    }

    void* mapping_ = nullptr;
    std::size_t mapped_size_ = 0, size_ = 0;
    std::string held_;
};

}  // namespace envbuild::conda
