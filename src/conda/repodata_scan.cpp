#include "conda/repodata_scan.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace envbuild::conda {

namespace {

namespace ondemand = simdjson::ondemand;

class Scanner {
  public:
    Scanner(const JsonBytes& bytes, std::string_view shown)
        : text_(bytes.text()), capacity_(bytes.capacity()), shown_(shown) {}

    RepoDataScan run() {
        const std::string_view visible = trim(text_.substr(0, 4096));
        if (visible.empty()) throw corrupt("is empty");
        if (visible.front() == '<') {
            throw corrupt("is an HTML page, not a repodata")
                .with_hint("is this a channel's URL? A proxy may also have answered in its place");
        }
        if (text_.size() >= std::numeric_limits<std::uint32_t>::max()) throw corrupt("is larger than 4 GiB");
        ondemand::parser parser;
        ondemand::document document;
        check(parser.iterate(simdjson::padded_string_view(text_.data(), text_.size(), capacity_)).get(document),
              text_.size());
        document_ = &document;
        ondemand::object top;
        if (document.get_object().get(top) != simdjson::SUCCESS) throw corrupt("is not a JSON object");
        for (auto field : top) read_top(field);
        const char* behind = nullptr;
        if (document.current_location().get(behind) == simdjson::SUCCESS) throw corrupt("goes on behind its end");
        if (!known_) throw corrupt("holds no \"packages\": it is JSON, but not a repodata");
        return std::move(scan_);
    }

  private:
    [[nodiscard]] Error corrupt(std::string_view reason) const {
        return Error(ErrorKind::Corrupt, fmt::format("{} {}", shown_, reason));
    }

    [[nodiscard]] std::size_t place() {
        const char* location = nullptr;
        if (document_ == nullptr || document_->current_location().get(location) != simdjson::SUCCESS)
            return text_.size();
        return static_cast<std::size_t>(location - text_.data());
    }

    void check(simdjson::error_code code, std::size_t at) {
        if (code != simdjson::SUCCESS) {
            throw corrupt(fmt::format("is not whole or not JSON: {} near byte {} of {}", simdjson::error_message(code),
                                      at, text_.size()));
        }
    }

    template <class T>
    T take(simdjson::simdjson_result<T> result) {
        T value;
        if (const auto code = std::move(result).get(value); code != simdjson::SUCCESS) check(code, place());
        return value;
    }

    void read_top(simdjson::simdjson_result<ondemand::field> entry) {
        ondemand::field field = take(std::move(entry));
        const std::string_view key = take(field.unescaped_key());
        ondemand::value value = field.value();
        const ondemand::json_type type = take(value.type());
        if ((key == "packages" || key == "packages.conda") && type == ondemand::json_type::object) {
            known_ = true;
            read_packages(take(value.get_object()));
        } else if (key == "packages" || key == "packages.conda") {
            throw corrupt(fmt::format("has \"{}\" that is not an object", key));
        } else if (key == "info" && type == ondemand::json_type::object) {
            read_info(take(value.get_object()));
        } else if (key == "removed" && type == ondemand::json_type::array) {
            for (auto element : take(value.get_array())) {
                ondemand::value item = take(std::move(element));
                std::string_view file;
                if (item.get_string().get(file) == simdjson::SUCCESS) scan_.removed.emplace(file);
            }
        }
    }

    void read_info(ondemand::object info) {
        for (auto entry : info) {
            ondemand::field field = take(std::move(entry));
            const std::string_view key = take(field.unescaped_key());
            ondemand::value value = field.value();
            std::string_view url;
            if (key == "base_url" && value.get_string().get(url) == simdjson::SUCCESS) scan_.base_url = url;
        }
    }

    void read_packages(ondemand::object packages) {
        for (auto entry : packages) {
            ondemand::field field = take(std::move(entry));
            // A file name needs no escapes; one that has some fails later, as no record's name.
            const std::size_t start = offset(field.key().raw());
            const std::string_view file = text_.substr(start, text_.find('"', start) - start);
            ondemand::value value = field.value();
            ++scan_.count;
            ondemand::object record;
            if (take(value.type()) != ondemand::json_type::object ||
                file.size() > std::numeric_limits<std::uint16_t>::max()) {
                ++scan_.unusable;
                continue;
            }
            record = take(value.get_object());
            const std::string_view json = take(record.raw_json());
            const std::string_view name = record_name(json, file);
            if (name.empty()) {
                ++scan_.unusable;
                continue;
            }
            if (current_ == nullptr || name != current_name_) {
                const auto place = scan_.names.try_emplace(name).first;
                current_name_ = place->first;
                current_ = &place->second;
            }
            current_->push_back({offset(file.data()), offset(json.data()), static_cast<std::uint32_t>(json.size()),
                                 static_cast<std::uint16_t>(file.size()), 0});
        }
    }

    // The record's own name is what counts; the file's name says it in all but a few odd records, so it is looked for
    // as text before the record is searched.
    static std::string_view record_name(std::string_view json, std::string_view file) {
        constexpr std::string_view kKey = "\"name\"";
        for (std::size_t at = json.find(kKey); at != std::string_view::npos; at = json.find(kKey, at + 1)) {
            std::size_t i = json.find_first_not_of(" \t\r\n", at + kKey.size());
            if (i == std::string_view::npos || json[i] != ':') continue;
            i = json.find_first_not_of(" \t\r\n", i + 1);
            if (i == std::string_view::npos || json[i] != '"') continue;
            const std::string_view name = json.substr(i + 1, json.find('"', i + 1) - i - 1);
            if (file.starts_with(name) && name.size() < file.size() && file[name.size()] == '-') return name;
            break;
        }
        return searched_name(json);
    }

    // Nested objects may have a "name" too: only the one at the record's own level counts.
    static std::string_view searched_name(std::string_view json) {
        int depth = 0;
        bool in_string = false;
        std::size_t string_start = 0;
        for (std::size_t i = 0; i < json.size(); ++i) {
            const char c = json[i];
            if (in_string) {
                if (c == '\\') {
                    ++i;
                } else if (c == '"') {
                    in_string = false;
                    const std::size_t next = json.find_first_not_of(" \t\r\n", i + 1);
                    if (depth != 1 || json.substr(string_start, i - string_start) != "name" ||
                        next == std::string_view::npos || json[next] != ':')
                        continue;
                    const std::size_t value = json.find_first_not_of(" \t\r\n", next + 1);
                    if (value == std::string_view::npos || json[value] != '"') return {};
                    return json.substr(value + 1, json.find('"', value + 1) - value - 1);
                }
            } else if (c == '"') {
                in_string = true;
                string_start = i + 1;
            } else if (c == '{' || c == '[') {
                ++depth;
            } else if (c == '}' || c == ']') {
                --depth;
            }
        }
        return {};
    }

    std::uint32_t offset(const char* place) const { return static_cast<std::uint32_t>(place - text_.data()); }

    std::string_view text_;
    std::size_t capacity_;
    std::string_view shown_;
    ondemand::document* document_ = nullptr;
    RepoDataScan scan_;
    bool known_ = false;
    std::string_view current_name_;
    std::vector<RepoDataIndex::Entry>* current_ = nullptr;
};

}  // namespace

RepoDataScan scan_repodata(const JsonBytes& bytes, std::string_view shown) {
    return Scanner(bytes, shown).run();
}

}  // namespace envbuild::conda
