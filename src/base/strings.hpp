// Small string functions that the standard library lacks. ASCII only, locale-free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace envbuild {

[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string_view trim(std::string_view text);
// Every field, empty ones too; "" gives one empty field. The views point into `text`.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);
// Fields between runs of white space; no empty ones.
[[nodiscard]] std::vector<std::string_view> split_whitespace(std::string_view text);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
[[nodiscard]] bool is_valid_utf8(std::string_view text);
[[nodiscard]] bool has_control_character(std::string_view text);  // C0, DEL; UTF-8 multibyte is not looked into
// The candidate nearest by edit distance, or empty when none is near enough to be a likely slip.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);
// The words as a line for a POSIX shell: what needs quotes gets them.
[[nodiscard]] std::string shell_line(const std::vector<std::string>& words);
// "1.2 MB", "640 kB": decimal units, as registries and pip print sizes.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
[[nodiscard]] std::string base64(std::string_view bytes, bool url_safe = false);  // padded
// Nothing where the text is not base64 (either alphabet, padding optional).
[[nodiscard]] bool base64_decode(std::string_view text, std::string& bytes);

}  // namespace envbuild
