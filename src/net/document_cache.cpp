#include "net/document_cache.hpp"

#include <fmt/format.h>

#include <optional>

#include "base/digest.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "net/freshness.hpp"

namespace envbuild {

namespace {

// What is kept of one URL.
class Copy {
  public:
    Copy(const fs::path& folder, const Url& url, std::string_view accept) : url_(url.to_string()) {
        const std::string key = sha256(fmt::format("{}\n{}", url_, accept)).hex().substr(0, 40);
        stem_ = folder / key.substr(0, 2) / key;
    }

    // False where there is none.
    bool load() {
        const auto text = read_file_if_exists(path(".json"));
        auto json = text ? Json::parse(*text) : fail(ErrorKind::NotFound, "");
        if (!json || json->int_or("version", 0) != 1 || json->string_or("url", "") != url_) return false;
        auto body = read_file_if_exists(path(".body"));
        auto final_url = Url::parse(json->string_or("final_url", ""));
        if (!body || !final_url || sha256(*body).hex() != json->string_or("sha256", "")) return false;
        document.status = 200;
        document.body = std::move(*body);
        document.content_type = json->string_or("content_type", "");
        document.final_url = std::move(*final_url);
        state_ = std::move(*json);
        return true;
    }

    [[nodiscard]] bool is_fresh() const {
        const std::int64_t age = now_milliseconds() - state_.int_or("checked_at", 0);
        return age >= 0 && age < state_.int_or("max_age", 0) * 1000;
    }
    [[nodiscard]] std::string etag() const { return state_.string_or("etag", ""); }
    [[nodiscard]] std::string last_modified() const { return state_.string_or("last_modified", ""); }

    void checked(const HttpResponse& response) {
        state_.set("max_age", freshness_seconds(response)).set("checked_at", now_milliseconds());
        write_cache_file(path(".json"), state_.dump(2) + "\n");
    }

    void replace(const HttpResponse& response) {
        state_ = Json::object();
        state_.set("version", 1).set("url", url_).set("final_url", response.final_url.without_user_info().to_string());
        state_.set("content_type", response.header("content-type")).set("etag", response.header("etag"));
        state_.set("last_modified", response.header("last-modified")).set("sha256", sha256(response.body).hex());
        write_cache_file(path(".body"), response.body);
        checked(response);
    }

    void remove() const {
        std::error_code ignored;
        fs::remove(path(".json"), ignored);
        fs::remove(path(".body"), ignored);
    }

    Document document;

  private:
    [[nodiscard]] fs::path path(std::string_view ending) const { return fs::path(stem_).concat(ending); }

    std::string url_;
    fs::path stem_;
    Json state_ = Json::object();
};

bool is_kept(const HttpResponse& response) {
    return response.header("cache-control").find("no-store") == std::string::npos;
}

}  // namespace

Document DocumentCache::get(HttpClient& client, const Url& url, const Options& options) const {
    const bool local = url.scheme() == "file";
    Copy copy(folder_, url, options.accept);
    const bool known = !local && copy.load();
    if (known && !options.refresh && copy.is_fresh()) {
        copy.document.fresh_from_cache = true;
        return std::move(copy.document);
    }
    HttpRequest request;
    request.url = url;
    request.body_limit = options.limit;
    request.decompress = true;
    if (!options.accept.empty()) request.headers["accept"] = options.accept;
    if (known) ask_whether_changed(request, copy.etag(), copy.last_modified());
    HttpResponse response = client.send(request);
    switch (response.status) {
        case 200:
            if (!local && is_kept(response)) copy.replace(response);
            return {200, std::move(response.body), response.header("content-type"),
                    response.final_url.without_user_info(), false};
        case 304:
            if (!known) break;
            copy.checked(response);
            return std::move(copy.document);
        case 401:
        case 403:
        case 404:
        case 410:
            return {response.status, "", "", response.final_url.without_user_info(), false};
        default:
            break;
    }
    throw http_error(fmt::format("GET {}", url.without_user_info().to_string()), request, response);
}

void DocumentCache::forget(const Url& url, const Options& options) const {
    Copy(folder_, url, options.accept).remove();
}

}  // namespace envbuild
