// ImageConfig (OCI image-spec v1.1, config.md): what an image runs and which layers it is made of. The bytes are kept
// as they came, so that an image that is copied keeps its config digest.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "oci/descriptor.hpp"

namespace envbuild::oci {

struct HistoryEntry {
    std::string created, created_by, author, comment;  // created: RFC 3339
    bool empty_layer = false;
    bool operator==(const HistoryEntry&) const = default;
};

// An immutable value: a parsed document and its bytes. with() derives another.
class ImageConfig {
  public:
    // Corrupt: not JSON, over 4 MiB, or a member that is missing or of the wrong type.
    [[nodiscard]] static Expected<ImageConfig> parse(std::string bytes);
    // Written compactly, members in the order in which they were added.
    [[nodiscard]] static ImageConfig from_json(const Json& json);

    [[nodiscard]] const std::string& bytes() const { return bytes_; }
    [[nodiscard]] const Json& json() const { return json_; }
    [[nodiscard]] Descriptor descriptor() const;  // media type kConfig

    [[nodiscard]] OciPlatform platform() const;
    [[nodiscard]] std::vector<Digest> diff_ids() const { return diff_ids_; }
    [[nodiscard]] std::vector<HistoryEntry> history() const;
    [[nodiscard]] std::string created() const;

    [[nodiscard]] std::vector<std::string> env() const;                         // "NAME=value"
    [[nodiscard]] std::optional<std::string> env(std::string_view name) const;  // the last one of that name wins
    [[nodiscard]] std::map<std::string, std::string> labels() const;
    [[nodiscard]] std::vector<std::string> entrypoint() const;
    [[nodiscard]] std::vector<std::string> cmd() const;
    [[nodiscard]] std::string user() const;
    [[nodiscard]] std::string working_dir() const;

  private:
    std::string bytes_;
    Json json_;
    std::vector<Digest> diff_ids_;
};

}  // namespace envbuild::oci
