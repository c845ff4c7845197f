// A build context, or any set of files, as the request body that HttpClient streams: a tar that is made while it is
// sent.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "layer/context_stream.hpp"
#include "net/http_client.hpp"

namespace envbuild::build {

// Not thread-safe; errors are ContextStream's.
class ContextBody final : public BodySource {
  public:
    explicit ContextBody(std::vector<layer::ContextFile> files) : stream_(std::move(files)) {}
    std::size_t read(char* buffer, std::size_t size) override { return stream_.read(buffer, size); }
    [[nodiscard]] std::optional<std::uint64_t> size() const override { return stream_.size(); }
    bool rewind() override { return stream_.rewind(); }

  private:
    layer::ContextStream stream_;
};

}  // namespace envbuild::build
