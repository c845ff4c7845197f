// A registry in memory on a loopback port, with OCI's distribution API, Basic or Bearer authorization, and a hook that
// lets a test answer any request itself. It is strict where real ones are: it checks digests, refuses manifests whose
// blobs are absent, knows no types that Accept does not name.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/url.hpp"
#include "support/fault_server.hpp"

namespace envbuild::testing {

class FakeRegistry {
  public:
    enum class Auth : std::uint8_t { None, Basic, Bearer };
    // True: it has answered.
    using Hook = std::function<bool(const FaultRequest&, FaultConnection&)>;

    struct Manifest {
        std::string type, bytes;
    };

    explicit FakeRegistry(Auth auth = Auth::None, std::string user = "builder", std::string password = "s3cret")
        : auth_(auth),
          user_(std::move(user)),
          password_(std::move(password)),
          server_([this](const FaultRequest& request, FaultConnection& connection) { serve(request, connection); }) {}

    [[nodiscard]] std::string domain() const { return "127.0.0.1:" + std::to_string(server_.port()); }
    [[nodiscard]] std::vector<FaultRequest> requests() const { return server_.requests(); }
    // "GET /v2/team/envs/manifests/x", without the query.
    [[nodiscard]] std::vector<std::string> log() const {
        std::vector<std::string> lines;
        for (const auto& request : server_.requests())
            lines.push_back(request.method + " " + request.target.substr(0, request.target.find('?')));
        return lines;
    }
    [[nodiscard]] std::size_t count(const std::string& method, const std::string& part) const {
        std::size_t number = 0;
        for (const auto& request : server_.requests())
            number += request.method == method && request.target.find(part) != std::string::npos ? 1 : 0;
        return number;
    }

    void set_hook(Hook hook) {
        const std::lock_guard lock(mutex_);
        hook_ = std::move(hook);
    }
    void add_blob(const std::string& path, const std::string& bytes) {
        const std::lock_guard lock(mutex_);
        blobs_[path][sha256(bytes).to_string()] = bytes;
    }
    void remove_blob(const std::string& path, const Digest& digest) {
        const std::lock_guard lock(mutex_);
        blobs_[path].erase(digest.to_string());
    }
    [[nodiscard]] bool has_blob(const std::string& path, const Digest& digest) {
        const std::lock_guard lock(mutex_);
        return blobs_[path].contains(digest.to_string());
    }
    void add_manifest(const std::string& path, const std::string& tag, const std::string& type,
                      const std::string& bytes) {
        const std::lock_guard lock(mutex_);
        const auto digest = sha256(bytes).to_string();
        manifests_[path][digest] = {type, bytes};
        if (!tag.empty()) tags_[path][tag] = digest;
    }
    // Nothing where there is no such tag.
    [[nodiscard]] std::string tag(const std::string& path, const std::string& tag) {
        const std::lock_guard lock(mutex_);
        const auto found = tags_[path].find(tag);
        return found == tags_[path].end() ? "" : found->second;
    }
    void set_read_only(bool value) { read_only_ = value; }
    void set_token_seconds(int seconds) { token_seconds_ = seconds; }
    void set_realm(std::string realm) { realm_ = std::move(realm); }
    // Tokens given out so far are refused from now on.
    void revoke_tokens() { ++generation_; }

  private:
    static void answer(FaultConnection& connection, const FaultRequest& request, int status,
                       const std::string& body = "", const std::string& headers = "") {
        fault::respond(status, body, "Docker-Distribution-Api-Version: registry/2.0\r\n" + headers)(request,
                                                                                                    connection);
    }
    static void refuse(FaultConnection& connection, const FaultRequest& request, int status, const std::string& code,
                       const std::string& headers = "") {
        answer(connection, request, status,
               R"({"errors":[{"code":")" + code + R"(","message":"said the fake registry"}]})",
               "Content-Type: application/json\r\n" + headers);
    }

    [[nodiscard]] std::string token() const { return "token-" + std::to_string(generation_.load()); }
    [[nodiscard]] std::string basic() const { return "Basic " + base64(user_ + ":" + password_); }

    bool authorized(const FaultRequest& request, FaultConnection& connection) {
        const auto given = request.header("authorization");
        if (auth_ == Auth::None || (auth_ == Auth::Basic && given == basic()) ||
            (auth_ == Auth::Bearer && given == "Bearer " + token()))
            return true;
        const std::string realm = realm_.empty() ? "http://" + domain() + "/token" : realm_;
        refuse(connection, request, 401, "UNAUTHORIZED",
               auth_ == Auth::Basic ? "WWW-Authenticate: Basic realm=\"fake\"\r\n"
                                    : "WWW-Authenticate: Bearer realm=\"" + realm +
                                          "\",service=\"fake, \\\"service\\\"\",scope=\"x\"\r\n");
        return false;
    }

    void give_token(const FaultRequest& request, FaultConnection& connection) {
        const bool refresh = request.method == "POST" &&
                             request.body.find("refresh_token=" + percent_encode(password_)) != std::string::npos;
        if (!refresh && request.header("authorization") != basic())
            return refuse(connection, request, 401, "UNAUTHORIZED");
        answer(connection, request, 200,
               R"({"token":")" + token() + R"(","expires_in":)" + std::to_string(token_seconds_) + "}",
               "Content-Type: application/json\r\n");
    }

    void serve(const FaultRequest& request, FaultConnection& connection) {
        Hook hook;
        {
            const std::lock_guard lock(mutex_);
            hook = hook_;
        }
        if (hook && hook(request, connection)) return;
        const auto question = request.target.find('?');
        const std::string route = request.target.substr(0, question);
        const std::string query = question == std::string::npos ? "" : request.target.substr(question + 1);
        if (route == "/token") return give_token(request, connection);
        if (!authorized(request, connection)) return;
        if (read_only_ && request.method != "GET" && request.method != "HEAD")
            return refuse(connection, request, 405, "UNSUPPORTED");
        for (const std::string kind : {"/manifests/", "/blobs/", "/tags/"}) {
            const auto at = route.find(kind);
            if (!route.starts_with("/v2/") || at == std::string::npos) continue;
            const std::string path = route.substr(4, at - 4);
            const std::string rest = route.substr(at + kind.size());
            const std::lock_guard lock(mutex_);
            if (kind == "/manifests/") return serve_manifest(request, connection, path, rest);
            if (kind == "/tags/") return serve_tags(request, connection, path, query);
            return serve_blob(request, connection, path, rest, query);
        }
        refuse(connection, request, 404, "NAME_UNKNOWN");
    }

    void serve_manifest(const FaultRequest& request, FaultConnection& connection, const std::string& path,
                        const std::string& identifier) {
        if (request.method == "PUT") return take_manifest(request, connection, path, identifier);
        const std::string digest = identifier.starts_with("sha256:") ? identifier : tags_[path][identifier];
        const auto found = manifests_[path].find(digest);
        if (digest.empty()) tags_[path].erase(identifier);
        const bool accepted =
            request.method == "DELETE" ||
            (found != manifests_[path].end() && request.header("accept").find(found->second.type) != std::string::npos);
        if (found == manifests_[path].end() || !accepted) return refuse(connection, request, 404, "MANIFEST_UNKNOWN");
        if (request.method == "DELETE") {
            manifests_[path].erase(found);
            return answer(connection, request, 202);
        }
        answer(connection, request, 200, found->second.bytes,
               "Content-Type: " + found->second.type + "\r\nDocker-Content-Digest: " + digest + "\r\n");
    }

    void take_manifest(const FaultRequest& request, FaultConnection& connection, const std::string& path,
                       const std::string& identifier) {
        const auto json = Json::parse(request.body);
        if (!json) return refuse(connection, request, 400, "MANIFEST_INVALID");
        std::vector<std::string> wanted;
        if ((*json)["config"].is_object()) wanted.push_back((*json)["config"].string_or("digest", ""));
        if ((*json)["layers"].is_array()) {
            for (const auto& layer : (*json)["layers"].as_array()) wanted.push_back(layer.string_or("digest", ""));
        }
        for (const auto& digest : wanted) {
            if (!blobs_[path].contains(digest)) return refuse(connection, request, 400, "MANIFEST_BLOB_UNKNOWN");
        }
        if ((*json)["manifests"].is_array()) {
            for (const auto& manifest : (*json)["manifests"].as_array()) {
                if (!manifests_[path].contains(manifest.string_or("digest", "")))
                    return refuse(connection, request, 400, "MANIFEST_BLOB_UNKNOWN");
            }
        }
        const auto digest = sha256(request.body).to_string();
        if (identifier.starts_with("sha256:") && identifier != digest)
            return refuse(connection, request, 400, "DIGEST_INVALID");
        manifests_[path][digest] = {request.header("content-type"), request.body};
        if (!identifier.starts_with("sha256:")) tags_[path][identifier] = digest;
        answer(connection, request, 201, "", "Docker-Content-Digest: " + digest + "\r\n");
    }

    void serve_tags(const FaultRequest& request, FaultConnection& connection, const std::string& path,
                    const std::string& query) {
        if (!tags_.contains(path)) return refuse(connection, request, 404, "NAME_UNKNOWN");
        // Two a page.
        const auto last = query.find("last=");
        const std::string after = last == std::string::npos ? "" : query.substr(last + 5);
        Json list = Json::array();
        std::string end;
        bool more = false;
        for (const auto& [tag, digest] : tags_[path]) {
            if (tag <= after) continue;
            if (list.as_array().size() == 2) {
                more = true;
                break;
            }
            list.push(tag);
            end = tag;
        }
        Json body = Json::object();
        body.set("name", path).set("tags", list);
        answer(connection, request, 200, body.dump(),
               more ? "Link: </v2/" + path + "/tags/list?n=2&last=" + end + ">; rel=\"next\"\r\n" : "");
    }

    void serve_blob(const FaultRequest& request, FaultConnection& connection, const std::string& path,
                    const std::string& rest, const std::string& query) {
        if (rest.starts_with("uploads/")) return serve_upload(request, connection, path, rest.substr(8), query);
        const auto found = blobs_[path].find(rest);
        if (found == blobs_[path].end()) return refuse(connection, request, 404, "BLOB_UNKNOWN");
        const auto range = request.header("range");
        if (range.empty())
            return answer(connection, request, 200, found->second, "Content-Type: application/octet-stream\r\n");
        const auto start = std::stoull(range.substr(6));
        if (start >= found->second.size()) return refuse(connection, request, 416, "RANGE_INVALID");
        const auto size = found->second.size();
        answer(connection, request, 206, found->second.substr(start),
               "Content-Range: bytes " + std::to_string(start) + "-" + std::to_string(size - 1) + "/" +
                   std::to_string(size) + "\r\n");
    }

    static std::string parameter(const std::string& query, const std::string& name) {
        for (const auto part : split(query, '&')) {
            if (part.starts_with(name + "=")) return percent_decode(part.substr(name.size() + 1));
        }
        return "";
    }

    void serve_upload(const FaultRequest& request, FaultConnection& connection, const std::string& path,
                      const std::string& session, const std::string& query) {
        if (request.method == "POST") {
            const auto digest = parameter(query, "mount");
            const auto from = parameter(query, "from");
            if (!digest.empty() && blobs_[from].contains(digest)) {
                blobs_[path][digest] = blobs_[from][digest];
                return answer(connection, request, 201);
            }
            const std::string id = "session-" + std::to_string(++sessions_made_);
            uploads_[id] = "";
            return answer(connection, request, 202, "",
                          "Location: /v2/" + path + "/blobs/uploads/" + id + "?_state=abc\r\n");
        }
        const auto found = uploads_.find(session);
        if (found == uploads_.end()) return refuse(connection, request, 404, "BLOB_UPLOAD_UNKNOWN");
        if (request.method == "DELETE") {
            uploads_.erase(found);
            return answer(connection, request, 204);
        }
        found->second += request.body;
        if (request.method == "PATCH") {
            return answer(connection, request, 202, "",
                          "Location: http://" + domain() + "/v2/" + path + "/blobs/uploads/" + session + "\r\n");
        }
        const auto digest = parameter(query, "digest");
        const std::string bytes = found->second;
        uploads_.erase(found);
        if (sha256(bytes).to_string() != digest) return refuse(connection, request, 400, "DIGEST_INVALID");
        blobs_[path][digest] = bytes;
        answer(connection, request, 201, "", "Docker-Content-Digest: " + digest + "\r\n");
    }

    Auth auth_;
    std::string user_, password_, realm_;
    std::atomic<bool> read_only_ = false;
    std::atomic<int> token_seconds_ = 300;
    std::atomic<int> generation_ = 1;
    std::mutex mutex_;
    Hook hook_;
    std::map<std::string, std::map<std::string, std::string>> blobs_, tags_;
    std::map<std::string, std::map<std::string, Manifest>> manifests_;
    std::map<std::string, std::string> uploads_;
    int sessions_made_ = 0;
    FaultServer server_;  // last: its threads use the rest
};

}  // namespace envbuild::testing
