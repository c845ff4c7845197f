#include "net/transfer.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <charconv>

#include "base/failpoint.hpp"
#include "base/loopback.hpp"
#include "base/strings.hpp"

namespace envbuild::net {

namespace {

constexpr std::size_t kErrorBodyKept = 256 << 10;

bool is_link_local(const sockaddr* address) {
    if (address->sa_family == AF_INET) {
        const auto host = ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
        return (host >> 16U) == 0xA9FEU;  // 169.254/16, where clouds keep their metadata services
    }
    if (address->sa_family != AF_INET6) return false;
    const auto& host = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&host)) return host.s6_addr[12] == 169 && host.s6_addr[13] == 254;
    return IN6_IS_ADDR_LINKLOCAL(&host);
}

curl_socket_t refuse_link_local(void* refused, curlsocktype, curl_sockaddr* address) {
    if (is_link_local(&address->addr)) {
        *static_cast<bool*>(refused) = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

Transfer::Transfer(const Wire& wire, const HttpSettings& settings, CURLSH* share) : wire_(wire) {
    try {
        prepare(settings, share);
    } catch (...) {
        curl_easy_cleanup(easy_);
        curl_slist_free_all(headers_);
        throw;
    }
}

Transfer::~Transfer() {
    curl_easy_cleanup(easy_);
    curl_slist_free_all(headers_);
}

void Transfer::prepare(const HttpSettings& settings, CURLSH* share) {
    const HttpRequest& request = *wire_.request;
    response_.final_url = wire_.shown_url;

    const std::string url = wire_.url.without_fragment().to_string();
    curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy_, CURLOPT_SHARE, share);
    curl_easy_setopt(easy_, CURLOPT_USERAGENT, settings.user_agent.c_str());
    curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
    curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, detail_.data());
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
    if (!settings.ca_file.empty()) curl_easy_setopt(easy_, CURLOPT_CAINFO, settings.ca_file.c_str());
    if (!settings.verify_tls) {
        curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (!request.unix_socket.empty()) {
        curl_easy_setopt(easy_, CURLOPT_UNIX_SOCKET_PATH, request.unix_socket.c_str());
        curl_easy_setopt(easy_, CURLOPT_PROXY, "");
    }
    // As in Go: what is on this machine is never asked for through a proxy, whatever no_proxy says.
    if (is_loopback(wire_.url.host())) curl_easy_setopt(easy_, CURLOPT_PROXY, "");
    if (request.decompress) curl_easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "");
    if (wire_.refuse_link_local) {
        curl_easy_setopt(easy_, CURLOPT_OPENSOCKETFUNCTION, &refuse_link_local);
        curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, &link_local_);
    }
    for (const auto& [name, value] : wire_.headers) {
        if (has_control_character(name) || has_control_character(value))
            throw Error(ErrorKind::InvalidInput, fmt::format("the header '{}' holds a control character", name));
        add_header(value.empty() ? name + ";" : name + ": " + value);
    }
    prepare_body();
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
}

Outcome Transfer::stopped() const {
    if (thrown_) std::rethrow_exception(thrown_);
    long sent = 0;
    curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &sent);
    Outcome outcome;
    outcome.sink_used = sink_used_;
    outcome.never_sent = sent == 0;
    return outcome;
}

Outcome Transfer::finished(CURLcode code) {
    Outcome outcome = stopped();
    if (link_local_) {
        outcome.failure = "the server redirects to a link-local address, which is refused";
        outcome.permanent = true;
    } else if (const bool answered = body_ended_early_ ||
                                     // A server that refuses an upload may close before it has read it all.
                                     (wire_.with_body && response_.status >= 400 && code != CURLE_READ_ERROR);
               code != CURLE_OK && !answered) {
        describe(code, outcome);
    } else {
        announce();
        outcome.response = std::move(response_);
    }
    return outcome;
}

void Transfer::describe(CURLcode code, Outcome& outcome) const {
    const std::string text = redact(detail_[0] != 0 ? detail_.data() : curl_easy_strerror(code));
    switch (code) {
        case CURLE_PARTIAL_FILE:
            outcome.failure = "the answer was cut short";
            break;
        case CURLE_GOT_NOTHING:
            outcome.failure = "the server closed the connection without an answer";
            break;
        case CURLE_RECV_ERROR:
        case CURLE_SEND_ERROR:
            outcome.failure = fmt::format("the connection broke ({})", text);
            break;
        case CURLE_COULDNT_RESOLVE_HOST:
            outcome.failure = fmt::format("no address is known for {}", wire_.url.host());
            outcome.hint = "check the name, the network, and the proxy settings (https_proxy, no_proxy)";
            break;
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
            outcome.failure = fmt::format("the server's certificate is not trusted ({})", text);
            outcome.hint = "where the site has its own certificate authority, set SSL_CERT_FILE to its PEM file";
            outcome.permanent = true;
            break;
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_URL_MALFORMAT:
            outcome.failure = outcome.never_sent ? text : fmt::format("the answer is not HTTP ({})", text);
            outcome.permanent = outcome.never_sent;
            break;
        default:
            outcome.failure = text;
            break;
    }
}

void Transfer::announce() {
    if (announced_ || !response_.ok()) return;
    announced_ = true;
    if (wire_.request->on_response) wire_.request->on_response(response_);
}

std::size_t Transfer::take(std::string_view bytes) {
    announce();
    if (response_.ok() && wire_.request->sink) {
        sink_used_ = true;
        failpoint("net.recv");
        wire_.request->sink(bytes);
    } else if (!response_.ok()) {
        if (response_.body.size() + bytes.size() > kErrorBodyKept) {
            body_ended_early_ = true;
            return 0;
        }
        response_.body.append(bytes);
    } else {
        failpoint("net.recv");
        if (response_.body.size() + bytes.size() > wire_.request->body_limit) {
            throw Error(ErrorKind::Corrupt,
                        fmt::format("{} {}: the answer is larger than {}", wire_.method, wire_.shown_url.to_string(),
                                    human_bytes(wire_.request->body_limit)));
        }
        response_.body.append(bytes);
    }
    return bytes.size();
}

std::size_t Transfer::on_body(char* data, std::size_t, std::size_t size, void* self_pointer) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    std::size_t taken = 0;
    try {
        taken = self.take({data, size});
    } catch (...) {
        self.thrown_ = std::current_exception();
    }
    self.moved_ = Clock::now();
    return taken;
}

std::size_t Transfer::on_header(char* data, std::size_t, std::size_t size, void* self_pointer) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    self.moved_ = Clock::now();
    const std::string_view line = trim({data, size});
    if (line.starts_with("HTTP/")) {  // a new answer: what came before was a 1xx or a proxy's
        self.response_.headers.clear();
        self.response_.status = 0;
        const auto space = line.find(' ');
        if (space != std::string_view::npos)
            std::from_chars(line.data() + space + 1, line.data() + line.size(), self.response_.status);
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        auto& value = self.response_.headers[to_lower(line.substr(0, colon))];
        // Several challenges are one list (RFC 9110 section 5.3); of other headers the last value wins.
        const bool joins = !value.empty() && to_lower(line.substr(0, colon)) == "www-authenticate";
        value = joins ? value + ", " + std::string(trim(line.substr(colon + 1))) : trim(line.substr(colon + 1));
    }
    return size;
}

std::size_t Transfer::on_read(char* buffer, std::size_t, std::size_t size, void* self_pointer) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    try {
        const std::size_t got = self.wire_.request->source->read(buffer, size);
        self.body_sent_ += got;
        self.moved_ = Clock::now();
        return got;
    } catch (...) {
        self.thrown_ = std::current_exception();
        return CURL_READFUNC_ABORT;
    }
}

int Transfer::on_seek(void* self_pointer, curl_off_t offset, int whence) {
    auto& self = *static_cast<Transfer*>(self_pointer);
    if (whence != SEEK_SET || offset != 0) return CURL_SEEKFUNC_CANTSEEK;
    if (self.body_sent_ == 0) return CURL_SEEKFUNC_OK;
    try {
        if (!self.wire_.request->source->rewind()) return CURL_SEEKFUNC_CANTSEEK;
    } catch (...) {
        self.thrown_ = std::current_exception();
        return CURL_SEEKFUNC_FAIL;
    }
    self.body_sent_ = 0;
    return CURL_SEEKFUNC_OK;
}

void Transfer::prepare_body() {
    const auto& request = *wire_.request;
    if (request.source && wire_.with_body) {
        curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &Transfer::on_read);
        curl_easy_setopt(easy_, CURLOPT_READDATA, this);
        curl_easy_setopt(easy_, CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
        curl_easy_setopt(easy_, CURLOPT_SEEKDATA, this);
        if (const auto size = request.source->size()) {
            curl_easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(*size));
        } else {
            add_header("Transfer-Encoding: chunked");
        }
        add_header("Expect:");  // engines and registries that never answer 100 would cost a second
    } else if (wire_.with_body) {
        curl_easy_setopt(easy_, CURLOPT_POST, 1L);
        curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request.body.c_str());
        if (!wire_.headers.contains("content-type")) add_header("Content-Type:");
        add_header("Expect:");
    } else if (wire_.method == "HEAD") {
        curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, wire_.method.c_str());
}

}  // namespace envbuild::net
