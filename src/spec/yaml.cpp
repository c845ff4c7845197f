#include "spec/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/text_encoding.hpp"
#include "spec/yaml_builder.hpp"

namespace envbuild::spec {

YamlSource::YamlSource(std::string file, std::string text) : file_(std::move(file)), text_(std::move(text)) {
    line_starts_.push_back(0);
    for (std::size_t i = 0; i < text_.size(); ++i) {
        if (text_[i] == '\n') line_starts_.push_back(i + 1);
    }
}

std::string_view YamlSource::line(int number) const {
    const auto index = static_cast<std::size_t>(number - 1);
    if (number < 1 || index >= line_starts_.size()) return "";
    const std::size_t begin = line_starts_[index];
    const std::size_t end = index + 1 < line_starts_.size() ? line_starts_[index + 1] - 1 : text_.size();
    return std::string_view(text_).substr(begin, end - begin);
}

namespace {

Error fault(const YamlSource& source, int line, int column, std::string message, std::string hint) {
    Diagnostic diagnostic;
    diagnostic.place = {source.file(), line, column};
    diagnostic.message = std::move(message);
    diagnostic.hint = std::move(hint);
    diagnostic.excerpt = caret_excerpt(source.line(line), column);
    return diagnostic.to_error();
}

// White space that editors and web pages put in and that YAML takes for text.
std::string_view odd_space_name(std::string_view text) {
    if (text.starts_with("\xC2\xA0")) return "a no-break space (U+00A0)";
    if (text.starts_with("\xE3\x80\x80")) return "an ideographic space (U+3000)";
    if (text.starts_with("\xE2\x80\x8B")) return "a zero-width space (U+200B)";
    if (text.starts_with("\xE2\x80") && text.size() > 2 && static_cast<unsigned char>(text[2]) <= 0x8A)
        return "a wide space";
    if (text.starts_with("\xEF\xBB\xBF")) return "a byte order mark (U+FEFF)";
    return "";
}

bool opens_block_scalar(std::string_view line) {
    if (const auto comment = line.find(" #"); comment != std::string_view::npos) line = line.substr(0, comment);
    line = trim(line);
    while (!line.empty() && (line.back() == '+' || line.back() == '-' || (line.back() >= '1' && line.back() <= '9')))
        line.remove_suffix(1);
    if (line.empty() || (line.back() != '|' && line.back() != '>')) return false;
    line.remove_suffix(1);
    return line.ends_with(' ') || line.empty();
}

// What yaml-cpp lets pass or explains badly: tabs in indentation, invisible spaces, merge conflicts.
std::optional<Error> check_lines(const YamlSource& source) {
    std::size_t block_parent = std::string::npos;  // indentation of the line that opened a block scalar
    int number = 0;
    for (const auto line : split(source.text(), '\n')) {
        ++number;
        if (line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ")) {
            return fault(source, number, 1, "a merge conflict was left in the file",
                         "settle it and remove the lines <<<<<<<, ======= and >>>>>>>");
        }
        const std::size_t spaces = std::min(line.find_first_not_of(' '), line.size());
        const auto rest = line.substr(spaces);
        if (trim(rest).empty()) continue;
        if (block_parent != std::string::npos) {
            if (spaces > block_parent) continue;
            block_parent = std::string::npos;
        }
        const auto content = rest.substr(std::min(rest.find_first_not_of(" \t"), rest.size()));
        if (rest.starts_with('\t') && !content.starts_with('#')) {
            return fault(source, number, static_cast<int>(spaces) + 1,
                         "a tab in the indentation; YAML is indented with spaces", "replace the tab by spaces");
        }
        const std::size_t text = std::min(line.find_first_not_of(" -"), line.size());
        if (const auto name = odd_space_name(line.substr(text)); !name.empty()) {
            return fault(source, number, static_cast<int>(text) + 1,
                         fmt::format("{} stands where a plain space belongs", name),
                         "replace it by a space; it looks the same");
        }
        if (opens_block_scalar(line)) block_parent = spaces;
    }
    return std::nullopt;
}

std::string template_hint(const YamlSource& source) {
    for (const std::string_view mark : {"{{", "{%", "<%", "${{"}) {
        const auto at = source.text().find(mark);
        if (at == std::string::npos) continue;
        const auto line =
            std::count(source.text().begin(), source.text().begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
        return fmt::format("line {} holds '{}': this looks like a template that was never rendered", line, mark);
    }
    return "";
}

Error parse_error(const YamlSource& source, const YAML::Exception& error) {
    std::string hint = template_hint(source);
    const int line = error.mark.is_null() ? 0 : error.mark.line + 1;
    const auto text = trim(source.line(line));
    if (hint.empty() && text.starts_with('-') && text.size() > 1 && text[1] != ' ') hint = "a space stands after '-'";
    if (hint.empty() && error.msg.find("map value") != std::string::npos) {
        hint = "check the indentation of this line and of the one above; a text with ': ' in it is quoted";
    }
    return fault(source, line, line == 0 ? 0 : error.mark.column + 1, "this is not YAML: " + error.msg,
                 std::move(hint));
}

YamlNode parse_source(const std::shared_ptr<const YamlSource>& source, const YamlLimits& limits) {
    if (auto error = check_lines(*source)) throw std::move(*error);
    YamlBuilder builder(source, limits);
    try {
        std::istringstream stream(source->text());
        YAML::Parser parser(stream);
        // The second call finds nothing, or meets the builder's refusal of a second document.
        if (parser.HandleNextDocument(builder)) parser.HandleNextDocument(builder);
    } catch (const YAML::Exception& error) {
        throw parse_error(*source, error);
    }
    return builder.take();
}

}  // namespace

Expected<YamlNode> parse_yaml(std::string_view bytes, const std::string& file, const YamlLimits& limits) {
    if (bytes.size() > limits.bytes) {
        return fail(ErrorKind::InvalidInput, fmt::format("{}: the file has {}; the limit is {}", file,
                                                         human_bytes(bytes.size()), human_bytes(limits.bytes)));
    }
    auto text = decode_text(bytes, file);
    if (!text) return std::unexpected(std::move(text.error()));
    try {
        return parse_source(std::make_shared<const YamlSource>(file, std::move(*text)), limits);
    } catch (Error& error) {
        return std::unexpected(std::move(error));
    }
}

YamlNode read_yaml(const std::filesystem::path& path, const YamlLimits& limits) {
    return value_or_throw(parse_yaml(read_file(path, limits.bytes), path.string(), limits));
}

}  // namespace envbuild::spec
