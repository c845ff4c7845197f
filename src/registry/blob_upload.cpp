#include "registry/blob_upload.hpp"

#include <fmt/format.h>

#include "base/failpoint.hpp"
#include "base/json.hpp"

namespace envbuild::registry {

namespace {

constexpr int kMaxAttempts = 4;

// A BlobSource as a request's body, verified while it is read.
class UploadBody : public BodySource {
  public:
    UploadBody(const oci::BlobSource& content, const oci::Descriptor& descriptor, Progress* progress)
        : content_(content), descriptor_(descriptor), progress_(progress) {
        reopen();
    }
    std::size_t read(char* buffer, std::size_t size) override {
        const std::size_t got = reader_->read(buffer, size);
        sent_ += got;
        // libcurl stops to ask at the announced length, so the end is verified here, before the last bytes leave.
        char beyond = 0;
        if (got > 0 && sent_ == descriptor_.size) static_cast<void>(reader_->read(&beyond, 1));
        if (progress_ != nullptr && sent_ > reported_) {
            progress_->advance(sent_ - reported_);
            reported_ = sent_;
        }
        return got;
    }
    std::optional<std::uint64_t> size() const override { return descriptor_.size; }
    bool rewind() override {
        reopen();
        return true;
    }

  private:
    void reopen() {
        reader_ = std::make_unique<oci::VerifyingReader>(content_.open(), descriptor_,
                                                         "the content of the blob " + descriptor_.digest.to_string());
        sent_ = 0;
    }

    const oci::BlobSource& content_;
    const oci::Descriptor& descriptor_;
    Progress* progress_;
    std::unique_ptr<oci::BlobReader> reader_;
    std::uint64_t sent_ = 0, reported_ = 0;  // what is sent again is not reported again
};

// Whether a GET is answered with the blob, of which as little as possible is taken.
bool has_blob_by_get(const Endpoint& endpoint, const oci::Descriptor& descriptor) {
    struct Enough {};
    HttpRequest request;
    request.url = endpoint.url("blobs/" + descriptor.digest.to_string());
    request.headers["range"] = "bytes=0-0";
    request.sink = [](std::string_view) { throw Enough{}; };
    try {
        const HttpResponse response = endpoint.send(request, Access::Pull);
        if (Endpoint::says_absent(response)) return false;
        // 416: it is there, and empty.
        if (!response.ok() && response.status != 416)
            throw endpoint.failure("ask for a blob of", request, response, Access::Pull);
    } catch (const Enough&) {
        return true;
    }
    return true;
}

// Begins an upload: where it goes on. Throws Transient when the registry failed in passing.
Url begin(const Endpoint& endpoint) {
    HttpRequest request;
    request.method = "POST";
    request.url = endpoint.url("blobs/uploads/");
    request.follow_redirects = false;
    // A session that is begun twice costs the registry an empty file, which it clears away by itself.
    request.idempotent = true;
    const HttpResponse response = endpoint.send(request, Access::Push);
    if (response.status != 202 && response.status != 201)
        throw endpoint.failure("begin an upload to", request, response, Access::Push);
    return endpoint.location(response);
}

// A session that is not cancelled costs the registry an empty file, which it clears away by itself.
void cancel_upload(const Endpoint& endpoint, const Url& location) {
    HttpRequest cancel;
    cancel.method = "DELETE";
    cancel.url = location;
    cancel.max_attempts = 1;
    try {
        static_cast<void>(endpoint.send(cancel, Access::Push));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
    }
}

Url with_digest(const Url& location, const Digest& digest) {
    const std::string text = location.without_fragment().to_string();
    return value_or_throw(
        Url::parse(text + (location.query().empty() ? "?" : "&") + "digest=" + percent_encode(digest.to_string())));
}

std::string error_code(const HttpResponse& response) {
    const auto json = Json::parse(response.body);
    if (!json || !(*json)["errors"].is_array() || (*json)["errors"].as_array().empty()) return "";
    return (*json)["errors"].as_array().front().string_or("code", "");
}

// An upload session that broke, expired or lost bytes on the way: a new one may work.
bool is_broken_session(const HttpResponse& response) {
    const auto code = error_code(response);
    return is_transient_status(response.status) || code == "BLOB_UPLOAD_UNKNOWN" || code == "BLOB_UPLOAD_INVALID" ||
           code == "DIGEST_INVALID" || code == "SIZE_INVALID";
}

// Whether it is in, or may be tried again (false); throws what cannot be mended.
bool try_upload(const Endpoint& endpoint, const oci::Descriptor& descriptor, const std::shared_ptr<UploadBody>& body,
                bool last) {
    HttpRequest request;
    try {
        request.method = "PUT";
        request.url = with_digest(begin(endpoint), descriptor.digest);
        request.headers["content-type"] = "application/octet-stream";
        request.source = body;
        request.max_attempts = 1;
        request.follow_redirects = false;
        failpoint("registry.before_put");
        const HttpResponse response = endpoint.send(request, Access::Push);
        if (response.status == 201 || response.status == 204) return true;
        if (last || !is_broken_session(response))
            throw endpoint.failure("upload a blob to", request, response, Access::Push);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::Transient) throw;
        if (last) throw;
    }
    return false;
}

}  // namespace

bool has_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor) {
    HttpRequest request;
    request.method = "HEAD";
    request.url = endpoint.url("blobs/" + descriptor.digest.to_string());
    const HttpResponse response = endpoint.send(request, Access::Pull);
    if (Endpoint::says_absent(response)) return false;
    if (Endpoint::must_ask_with_get(response)) return has_blob_by_get(endpoint, descriptor);
    if (!response.ok()) throw endpoint.failure("ask for a blob of", request, response, Access::Pull);
    // Registries that redirect or compress may leave the length out; one that differs is another content.
    const auto length = response.header("content-length");
    return length.empty() || length == std::to_string(descriptor.size);
}

void upload_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor, const oci::BlobSource& content,
                 Progress* progress) {
    const auto body = std::make_shared<UploadBody>(content, descriptor, progress);
    for (int attempt = 1;; ++attempt) {
        if (try_upload(endpoint, descriptor, body, attempt == kMaxAttempts)) return;
        const auto delay = endpoint.http().settings().retry.delay(attempt, std::nullopt);
        sleep_for(delay.value_or(std::chrono::milliseconds(0)), endpoint.http().cancel());
        // The answer may have been lost after the last byte had arrived.
        if (has_blob(endpoint, descriptor)) return;
        body->rewind();
    }
}

bool mount_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor, const std::string& from_path) {
    HttpRequest request;
    request.method = "POST";
    request.url = endpoint.url(fmt::format("blobs/uploads/?mount={}&from={}",
                                           percent_encode(descriptor.digest.to_string()), percent_encode(from_path)));
    request.follow_redirects = false;
    request.idempotent = true;
    const HttpResponse response = endpoint.send(request, Access::Push, from_path);
    if (response.status == 201) return true;
    if (response.status != 202) {
        // A registry that will not mount may still take an upload, whose own answer tells if it does not.
        if (response.status < 500) return false;
        throw endpoint.failure("mount a blob in", request, response, Access::Push);
    }
    cancel_upload(endpoint, endpoint.location(response));
    return false;
}

void probe_upload(const Endpoint& endpoint) {
    cancel_upload(endpoint, begin(endpoint));
}

}  // namespace envbuild::registry
