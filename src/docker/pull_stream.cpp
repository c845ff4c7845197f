#include "docker/pull_stream.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "base/url.hpp"
#include "docker/text_lines.hpp"

namespace envbuild::docker {

ErrorKind kind_of_engine_message(std::string_view message) {
    const std::string text = to_lower(message);
    const auto says = [&](std::string_view words) { return text.find(words) != std::string::npos; };
    if (says("no space left on device")) return ErrorKind::Io;
    // Docker Hub answers "denied" for what is not there, too; asking for a login is the better advice.
    if (says("unauthorized") || says("access denied") || says("no basic auth credentials") || says("forbidden") ||
        says("authentication required"))
        return ErrorKind::Unauthorized;
    if (says("manifest unknown") || says("not found") || says("no such image") || says("name unknown"))
        return ErrorKind::NotFound;
    return ErrorKind::Transient;
}

void PullStream::document(const Json& json) {
    if (const Json* error = json.find("error"); error != nullptr && error->is_string()) {
        error_ = json["errorDetail"].string_or("message", error->as_string());
        return;
    }
    if (progress_ == nullptr || json.string_or("status", "") != "Downloading") return;
    const Json& detail = json["progressDetail"];
    Layer& layer = layers_[json.string_or("id", "")];
    const auto amount = [&](std::string_view name) {
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, detail.int_or(name, 0)));
    };
    if (const auto total = amount("total"); total > layer.total) {
        total_ += total - layer.total;
        layer.total = total;
        progress_->set_total(total_);
    }
    if (const auto current = amount("current"); current > layer.current) {
        progress_->advance(current - layer.current);
        layer.current = current;
    }
}

void PullStream::finish(std::string_view what) {
    lines_.finish();
    if (error_.empty()) return;
    const std::string reason = redact(strip_terminal(replace_all(error_, "\n", " ")));
    Error error(kind_of_engine_message(reason), fmt::format("{}: {}", what, reason));
    if (error.kind() == ErrorKind::Unauthorized)
        throw std::move(error).with_hint("log in to the registry first: docker login HOST");
    throw error;
}

}  // namespace envbuild::docker
