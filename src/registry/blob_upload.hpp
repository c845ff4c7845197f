// Uploading blobs (distribution-spec v1.1, "Pushing blobs"): POST, then one PUT of the whole.
#pragma once

#include "base/reporter.hpp"
#include "oci/blob.hpp"
#include "oci/descriptor.hpp"
#include "registry/endpoint.hpp"

namespace envbuild::registry {

[[nodiscard]] bool has_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor);
// RegistryClient::upload_blob. What the source gives is verified against the descriptor on its way.
void upload_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor, const oci::BlobSource& content,
                 Progress* progress);
[[nodiscard]] bool mount_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor,
                              const std::string& from_path);
// Begins an upload and cancels it: nothing stays. Throws what an upload that may not be begun throws.
void probe_upload(const Endpoint& endpoint);

}  // namespace envbuild::registry
