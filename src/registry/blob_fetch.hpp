// Fetching blobs: streamed, verified, gone on with where they broke.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/reporter.hpp"
#include "oci/blob.hpp"
#include "oci/descriptor.hpp"
#include "registry/endpoint.hpp"

namespace envbuild::registry {

using Endpoints = std::vector<std::shared_ptr<Endpoint>>;

// RegistryClient::fetch_blob over the endpoints in turn. `reporter` is told of mirrors that failed.
void fetch_blob(const Endpoints& endpoints, const oci::Descriptor& descriptor,
                const std::function<void(std::string_view)>& sink, Reporter& reporter);

// The same on a thread of its own that runs ahead by some megabytes. Dropping the reader ends the transfer.
[[nodiscard]] std::unique_ptr<oci::BlobReader> open_blob(Endpoints endpoints, oci::Descriptor descriptor,
                                                         Reporter& reporter);

}  // namespace envbuild::registry
