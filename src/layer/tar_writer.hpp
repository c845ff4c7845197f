// Writes a tar archive into a sink as its entries come: the same entries give the same bytes on any machine.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/byte_stream.hpp"
#include "layer/tar_entry.hpp"

namespace envbuild::layer {

// Keeps the caller's order and refuses nothing but what tar cannot hold; which names are proper is decided where trees
// are made. Not thread-safe.
class TarWriter {
  public:
    explicit TarWriter(ByteSink sink) : sink_(std::move(sink)) {}

    // The entry with all of its data. Bug where data.size() is not entry.size.
    void add(const TarEntry& entry, std::string_view data = {});
    // The entry's header; its data follows in any number of data() calls and must come to entry.size bytes.
    void begin(const TarEntry& entry);
    void data(std::string_view bytes);
    // The end of the archive. Bug where an entry's data is short.
    void finish();

  private:
    void close_entry();

    ByteSink sink_;
    std::uint64_t left_ = 0;
    std::size_t padding_ = 0;
};

}  // namespace envbuild::layer
