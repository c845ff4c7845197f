// Quoting for Dockerfiles, after BuildKit's and the classic builder's parser: what is quoted here comes out byte for
// byte, and no value ends its instruction, starts another one or is expanded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace envbuild::dockerfile {

// A value of ENV or LABEL in double quotes. `what` names it in the InvalidInput that refuses control characters, text
// that is not UTF-8 and what is longer than a Dockerfile's line can be.
[[nodiscard]] std::string quote_value(std::string_view what, std::string_view value);

// The exec form of RUN: a JSON array on one line in which everything but plain ASCII letters, digits and some
// punctuation is written as \uXXXX, so that no parser sees a quote, a variable, a heredoc or a continuation. Refuses as
// above.
[[nodiscard]] std::string exec_form(std::string_view what, const std::vector<std::string>& argv);

// InvalidInput unless: an environment variable's name ([A-Za-z_][A-Za-z0-9_.-]*); a label's key
// ([A-Za-z0-9][A-Za-z0-9._/-]*); an absolute path of [A-Za-z0-9._/+-] without "." and ".." parts; an image reference by
// sha256 digest.
void check_variable_name(std::string_view name);
void check_label_key(std::string_view key);
void check_prefix(std::string_view prefix);
void check_base_reference(std::string_view reference);

}  // namespace envbuild::dockerfile
