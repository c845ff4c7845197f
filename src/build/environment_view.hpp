// All that `show` says of one environment.
#pragma once

#include <optional>
#include <string>

#include "build/environment_facts.hpp"
#include "build/environment_ref.hpp"
#include "build/intent.hpp"
#include "cache/lookup.hpp"

namespace envbuild::build {

struct EnvironmentView {
    FoundEnvironment found;
    std::optional<Intent> intent;  // nothing where it cannot be read: `fault` says why
    std::optional<Error> fault;
    EnvironmentFacts facts;
    std::string conda_text;                    // of the conda file, as it stands; "" for none
    std::optional<cache::LookupResult> built;  // nothing where nobody looked

    // "name", "version", "labels", "definition" (azureml_environment.json), "conda_dependencies", "base_dockerfile",
    // "spec_hash", "facts", "image_details" (Azure ML's get_image_details), "status", "note".
    [[nodiscard]] Json to_json() const;
    // For people, several lines.
    [[nodiscard]] std::string to_text() const;
};

// Throws as find_environment does; that the repository cannot be asked is part of the answer.
[[nodiscard]] EnvironmentView view_environment(const IntentOptions& options, const Workbench& bench);

}  // namespace envbuild::build
