// Fetching blobs: streamed, verified, gone on with where they broke.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "oci/blob.hpp"
#include "oci/descriptor.hpp"
#include "registry/endpoint.hpp"

namespace envbuild::registry {

// RegistryClient::fetch_blob.
void fetch_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor,
                const std::function<void(std::string_view)>& sink);

// The same on a thread of its own that runs ahead by some megabytes. Dropping the reader ends the transfer.
[[nodiscard]] std::unique_ptr<oci::BlobReader> open_blob(std::shared_ptr<const Endpoint> endpoint,
                                                         oci::Descriptor descriptor);

}  // namespace envbuild::registry
