#include "layer/tar_writer.hpp"

#include <fmt/format.h>

#include <string>

#include "base/error.hpp"

namespace envbuild::layer {

void TarWriter::add(const TarEntry& entry, std::string_view data_bytes) {
    begin(entry);
    if (!data_bytes.empty()) data(data_bytes);
    close_entry();
}

void TarWriter::begin(const TarEntry& entry) {
    close_entry();
    sink_(tar_header(entry));
    left_ = entry.size;
    padding_ = tar_padding(entry.size);
}

void TarWriter::data(std::string_view bytes) {
    if (bytes.size() > left_) throw Error(ErrorKind::Bug, "a tar entry got more data than its header says");
    left_ -= bytes.size();
    sink_(bytes);
}

void TarWriter::close_entry() {
    if (left_ != 0)
        throw Error(ErrorKind::Bug, fmt::format("a tar entry lacks {} bytes of the data that its header says", left_));
    if (padding_ != 0) sink_(std::string(padding_, '\0'));
    padding_ = 0;
}

void TarWriter::finish() {
    close_entry();
    sink_(std::string(kTarEndSize, '\0'));
}

}  // namespace envbuild::layer
