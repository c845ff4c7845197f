#include "pypi/index_support.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace envbuild::testing {

void IndexServer::on(const std::string& path, FaultHandler handler) {
    const std::lock_guard lock(mutex_);
    handlers_[path] = std::move(handler);
}

void IndexServer::page(const std::string& path, const std::string& body, const std::string& type,
                       const std::string& headers) {
    on(path, fault::respond(200, body, "Content-Type: " + type + "\r\n" + headers));
}

void IndexServer::file(const std::string& path, const std::string& bytes) {
    on(path, [bytes](const FaultRequest& request, FaultConnection& connection) {
        const std::string range = request.header("range");
        if (!range.starts_with("bytes=")) return fault::respond(200, bytes)(request, connection);
        const auto dash = range.find('-');
        std::size_t begin = std::strtoull(range.c_str() + 6, nullptr, 10);
        std::size_t end = std::strtoull(range.c_str() + dash + 1, nullptr, 10) + 1;
        if (dash == 6) {
            begin = bytes.size() - std::min(bytes.size(), end - 1);
            end = bytes.size();
        }
        end = std::min(end, bytes.size());
        const std::string header = fmt::format("Content-Range: bytes {}-{}/{}\r\n", begin, end - 1, bytes.size());
        fault::respond(206, bytes.substr(begin, end - begin), header)(request, connection);
    });
}

std::vector<std::string> IndexServer::asked() {
    const std::lock_guard lock(mutex_);
    return std::exchange(asked_, {});
}

void IndexServer::answer(const FaultRequest& request, FaultConnection& connection) {
    FaultHandler handler = fault::respond(404, "no such page");
    {
        const std::lock_guard lock(mutex_);
        const std::string range = request.header("range");
        asked_.push_back(request.method + " " + request.target + (range.empty() ? "" : " " + range));
        if (const auto found = handlers_.find(request.target); found != handlers_.end()) handler = found->second;
    }
    handler(request, connection);
}

HttpSettings quick_retries() {
    HttpSettings settings;
    settings.retry.base_delay = settings.retry.max_delay = std::chrono::milliseconds(1);
    return settings;
}

}  // namespace envbuild::testing
