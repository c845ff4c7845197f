// Internal to docker/: the query of an API path.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/url.hpp"

namespace envbuild::docker {

// "?a=b&c=d", everything percent-encoded; empty values are left out.
class Query {
  public:
    Query& add(std::string_view name, std::string_view value) {
        if (value.empty()) return *this;
        text_ += text_.empty() ? '?' : '&';
        text_.append(name).append("=").append(percent_encode(value));
        return *this;
    }
    Query& add(std::string_view name, bool value) { return add(name, std::string_view(value ? "1" : "")); }
    Query& add(std::string_view name, const std::map<std::string, std::string>& values) {
        if (values.empty()) return *this;
        Json json = Json::object();
        for (const auto& [key, value] : values) json.set(key, value);
        return add(name, std::string_view(json.dump()));
    }
    Query& add(std::string_view name, const char* value) { return add(name, std::string_view(value)); }

    [[nodiscard]] const std::string& to_string() const { return text_; }

  private:
    std::string text_;
};

// A name as a path segment or several: "localhost:5000/a/b@sha256:…", whose '@' would look like the end of a password
// behind a host.
[[nodiscard]] inline std::string in_path(std::string_view name) {
    return percent_encode(name, "/:");
}

}  // namespace envbuild::docker
