// The fields of azureml_environment.json by section. Internal to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace envbuild::spec {

// In the SDK's order, then envbuild's own; "" is the top. Sections: python, docker, spark, databricks.
[[nodiscard]] std::vector<std::string> known_fields(std::string_view section = "");
// A member of baseImageRegistry that must not be written down.
[[nodiscard]] bool is_credential_key(std::string_view key);

}  // namespace envbuild::spec
