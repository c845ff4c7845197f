#include "conda/plain_scan_support.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>
#include <map>

#include "base/error.hpp"
#include "conda/json_bytes.hpp"

namespace envbuild::testing {

namespace {

namespace ondemand = simdjson::ondemand;
constexpr std::string_view kBlanks = " \t\r\n";

[[noreturn]] void refuse(std::string_view reason) {
    throw Error(ErrorKind::Corrupt, std::string(reason));
}

template <class T>
T take(simdjson::simdjson_result<T> result) {
    T value;
    if (const auto code = std::move(result).get(value); code != simdjson::SUCCESS)
        refuse(simdjson::error_message(code));
    return value;
}

// Where the string that begins behind an opening quote ends.
std::size_t string_end(std::string_view text, std::size_t at) {
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    return std::min(at, text.size());
}

// Outside of strings too, where there should be none: only what it does to quotes matters.
bool escapes(std::string_view text, std::size_t at) {
    return text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
}

// The object that the text begins with: to where as many brackets were closed as opened.
std::string_view object_at(std::string_view text) {
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (escapes(text, i)) ++i;
        if (c == '"') i = string_end(text, i + 1);
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) return text.substr(0, i + 1);
    }
    return text;
}

// The first "name" of the record's own level, where its value is a string.
std::string_view name_of(std::string_view json) {
    int depth = 0;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (escapes(json, i)) {
            ++i;
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            --depth;
        } else if (c == '"') {
            const auto start = i + 1;
            i = string_end(json, start);
            const auto colon = json.find_first_not_of(kBlanks, i + 1);
            if (depth != 1 || json.substr(start, i - start) != "name" || colon == std::string_view::npos ||
                json[colon] != ':')
                continue;
            const auto value = json.find_first_not_of(kBlanks, colon + 1);
            if (value == std::string_view::npos || json[value] != '"') return {};
            return json.substr(value + 1, string_end(json, value + 1) - value - 1);
        }
    }
    return {};
}

class PlainScanner {
  public:
    explicit PlainScanner(std::string_view text) : bytes_(std::string(text)), text_(bytes_.text()) {}

    conda::RepoDataScan run() {
        if (text_.empty()) refuse("empty");
        ondemand::parser parser;
        auto document =
            take(parser.iterate(simdjson::padded_string_view(text_.data(), text_.size(), bytes_.capacity())));
        for (auto entry : take(document.get_object())) read_member(take(std::move(entry)));
        const char* behind = nullptr;
        if (document.current_location().get(behind) == simdjson::SUCCESS) refuse("behind its end");
        if (!known_) refuse("no packages");
        return std::move(scan_);
    }

  private:
    void read_member(ondemand::field field) {
        const std::string_view key = take(field.unescaped_key());
        ondemand::value value = field.value();
        const auto type = take(value.type());
        if (key == "packages" || key == "packages.conda") {
            if (type != ondemand::json_type::object) refuse("not an object");
            known_ = true;
            for (auto entry : take(value.get_object())) read_record(take(std::move(entry)));
        } else if (key == "info" && type == ondemand::json_type::object) {
            for (auto entry : take(value.get_object())) {
                ondemand::field member = take(std::move(entry));
                const std::string_view name = take(member.unescaped_key());
                std::string_view url;
                if (name == "base_url" && member.value().get_string().get(url) == simdjson::SUCCESS)
                    scan_.base_url = url;
            }
        } else if (key == "removed" && type == ondemand::json_type::array) {
            for (auto entry : take(value.get_array())) {
                std::string_view file;
                if (take(std::move(entry)).get_string().get(file) == simdjson::SUCCESS) scan_.removed.emplace(file);
            }
        }
    }

    void read_record(ondemand::field field) {
        const auto key = offset(field.key().raw());
        const auto length = string_end(text_, key) - key;
        ondemand::value value = field.value();
        const auto type = take(value.type());
        ++scan_.count;
        std::string_view json, name;
        if (type == ondemand::json_type::object && length <= std::numeric_limits<std::uint16_t>::max()) {
            json = object_at(text_.substr(offset(value.raw_json_token().data())));
            name = name_of(json);
        }
        if (name.empty()) {
            ++scan_.unusable;
        } else {
            scan_.names[std::string(name)].push_back({static_cast<std::uint32_t>(key), offset(json.data()),
                                                      static_cast<std::uint32_t>(json.size()),
                                                      static_cast<std::uint16_t>(length), 0});
        }
    }

    std::uint32_t offset(const char* place) const { return static_cast<std::uint32_t>(place - text_.data()); }

    conda::JsonBytes bytes_;
    std::string_view text_;
    conda::RepoDataScan scan_;
    bool known_ = false;
};

}  // namespace

conda::RepoDataScan plain_scan(std::string_view text) {
    return PlainScanner(text).run();
}

std::string described(const conda::RepoDataScan& scan) {
    std::string text = fmt::format("{} {} '{}'\n", scan.count, scan.unusable, scan.base_url);
    for (const auto& file : scan.removed) text += fmt::format("removed {}\n", file);
    for (const auto& [name, entries] : std::map(scan.names.begin(), scan.names.end())) {
        text += name;
        for (const auto& entry : entries) {
            text +=
                fmt::format(" {}+{}:{}+{}", entry.key_offset, entry.key_length, entry.json_offset, entry.json_length);
        }
        text += '\n';
    }
    return text;
}

}  // namespace envbuild::testing
