// Credentials that stand in a text as they are: what is shared with a team says ${VAR} in their place.
#pragma once

#include <string>
#include <string_view>

namespace envbuild::spec {

// Whether a URL in the line holds a password, a user that stands for a token, a conda token ("/t/TOKEN/") or a token in
// its query ("?private_token=TOKEN") written out. ${VAR} is none, and neither is the user of an ssh URL. Comments
// count: they are read by whoever gets the file.
[[nodiscard]] bool has_literal_credential(std::string_view line);

// The text with the credentials of such lines replaced by "***"; all other lines are as they were.
[[nodiscard]] std::string without_literal_credentials(std::string_view text);

}  // namespace envbuild::spec
