// Bytes that flow: a source that is pulled from and a sink that is pushed into. What connects folders that may not know
// each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace envbuild {

// Where bytes come from. Not thread-safe.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    // Fills up to `size` (> 0) bytes; 0 is the end. Throws Error.
    virtual std::size_t read(char* buffer, std::size_t size) = 0;
    // How many bytes there are in all, where that is known beforehand.
    [[nodiscard]] virtual std::optional<std::uint64_t> size() const { return std::nullopt; }
    // Back to the first byte; false where that cannot be.
    virtual bool rewind() { return false; }
};

// Where bytes go. May throw; the view is valid during the call only.
using ByteSink = std::function<void(std::string_view)>;

}  // namespace envbuild
