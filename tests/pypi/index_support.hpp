// A package index on loopback for tests: what it answers is a function of the path; what it was asked is kept.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/reporter.hpp"
#include "net/http_client.hpp"
#include "support/fault_server.hpp"

namespace envbuild::testing {

class IndexServer {
  public:
    void on(const std::string& path, FaultHandler handler);
    void page(const std::string& path, const std::string& body, const std::string& type = "text/html",
              const std::string& headers = "");
    // A file, in pieces where it is asked for so.
    void file(const std::string& path, const std::string& bytes);

    [[nodiscard]] std::string url(const std::string& path = "") const { return server_.url(path); }
    [[nodiscard]] Url parsed(const std::string& path) const { return value_or_throw(Url::parse(url(path))); }
    // "GET /path" or "GET /path bytes=0-9", of all requests since the last call.
    std::vector<std::string> asked();
    [[nodiscard]] std::vector<FaultRequest> requests() const { return server_.requests(); }

  private:
    void answer(const FaultRequest& request, FaultConnection& connection);

    std::mutex mutex_;
    std::map<std::string, FaultHandler> handlers_;
    std::vector<std::string> asked_;
    FaultServer server_{
        [this](const FaultRequest& request, FaultConnection& connection) { answer(request, connection); }};
};

[[nodiscard]] HttpSettings quick_retries();

// The error of a call that has to fail.
template <class Call>
Error error_of(const Call& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    throw std::logic_error("it did not fail");
}

}  // namespace envbuild::testing
