#include "docker/log_frames.hpp"

#include <algorithm>

namespace envbuild::docker {

namespace {
constexpr std::size_t kHeader = 8;
}

void LogFrames::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        if (left_ > 0) {
            const auto part = bytes.substr(0, left_);
            left_ -= static_cast<std::uint32_t>(part.size());
            bytes.remove_prefix(part.size());
            if (on_output_) on_output_(stream_, part);
            continue;
        }
        const auto part = bytes.substr(0, kHeader - header_.size());
        header_ += part;
        bytes.remove_prefix(part.size());
        if (header_.size() < kHeader) return;
        const auto byte = [&](std::size_t i) {
            return static_cast<std::uint32_t>(static_cast<unsigned char>(header_[i]));
        };
        if (byte(0) > 2 || byte(1) != 0 || byte(2) != 0 || byte(3) != 0)
            throw Error(ErrorKind::Corrupt, "the Docker engine's container output is not in frames");
        stream_ = byte(0) == 2 ? OutputStream::Stderr : OutputStream::Stdout;
        left_ = byte(4) << 24U | byte(5) << 16U | byte(6) << 8U | byte(7);
        header_.clear();
    }
}

void LogFrames::finish() const {
    if (left_ > 0 || !header_.empty())
        throw Error(ErrorKind::Transient, "the Docker engine's container output ended within a frame");
}

}  // namespace envbuild::docker
