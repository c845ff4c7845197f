#include "docker/json_lines.hpp"

#include "base/strings.hpp"

namespace envbuild::docker {

namespace {
constexpr std::size_t kLineLimit = 16 << 20;
}

void JsonLines::feed(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        if (rest_.size() + std::min(end, bytes.size()) > kLineLimit)
            throw Error(ErrorKind::Corrupt, "the Docker engine sent a line longer than 16 MiB");
        if (end == std::string_view::npos) {
            rest_ += bytes;
            return;
        }
        if (rest_.empty()) {
            take(bytes.substr(0, end));
        } else {
            rest_ += bytes.substr(0, end);
            take(std::exchange(rest_, {}));
        }
        bytes.remove_prefix(end + 1);
    }
}

void JsonLines::finish() {
    take(std::exchange(rest_, {}));
}

void JsonLines::take(std::string_view line) {
    line = trim(line);
    if (line.empty()) return;
    auto json = Json::parse(line);
    if (!json) throw std::move(json.error()).with_context("reading what the Docker engine sent");
    on_document_(*json);
}

}  // namespace envbuild::docker
