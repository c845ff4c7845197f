#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <nghttp2/nghttp2.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>

#include "net/tls_server_support.hpp"

namespace envbuild::testing {

namespace {

constexpr int kTick = 5;  // milliseconds between two looks at what waits

void need(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(std::string("the TLS server: ") + what);
}

void self_sign(X509* certificate, EVP_PKEY* key) {
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("envbuild tests"), -1,
                               -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    need(names != nullptr && X509_add_ext(certificate, names, -1) == 1, "no alternative name");
    X509_EXTENSION_free(names);
    need(X509_sign(certificate, key, EVP_sha256()) > 0, "the certificate cannot be signed");
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned int size, void* wanted) {
    const auto* list = static_cast<const std::string*>(wanted);
    return SSL_select_next_proto(const_cast<unsigned char**>(out), out_size,
                                 reinterpret_cast<const unsigned char*>(list->data()),
                                 static_cast<unsigned int>(list->size()), offered, size) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

struct TlsServer::Tls {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    std::string protocols;

    Tls(Speaks speaks, const std::string& ca_file) : protocols(speaks == Speaks::Http2 ? "\x02h2" : "\x08http/1.1") {
        EVP_PKEY* key = EVP_EC_gen("P-256");
        X509* certificate = X509_new();
        self_sign(certificate, key);
        FILE* file = std::fopen(ca_file.c_str(), "w");
        need(file != nullptr && PEM_write_X509(file, certificate) == 1, "the certificate cannot be written");
        std::fclose(file);
        SSL_CTX_use_certificate(context, certificate);
        SSL_CTX_use_PrivateKey(context, key);
        SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_alpn_select_cb(context, &choose_protocol, &protocols);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    ~Tls() { SSL_CTX_free(context); }
    Tls(const Tls&) = delete;
    Tls& operator=(const Tls&) = delete;
};

// One connection: bytes in and out; what they mean is for those below.
class TlsServer::Client {
  public:
    Client(TlsServer& server, int fd) : server_(server), fd_(fd), ssl_(SSL_new(server.tls_->context)) {
        SSL_set_fd(ssl_, fd);
    }
    virtual ~Client() {
        SSL_free(ssl_);
        ::close(fd_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void run() {
        if (SSL_accept(ssl_) != 1) return;
        ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
        {
            const std::lock_guard lock(server_.mutex_);
            number_ = ++server_.connections_;
        }
        begin();
        while (!server_.stopping_ && open_) {
            read_what_is_there();
            tick();
            write_what_goes();
            if (SSL_pending(ssl_) > 0) continue;
            pollfd waiting{
                .fd = fd_, .events = static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT), .revents = 0};
            ::poll(&waiting, 1, kTick);
        }
    }

  protected:
    virtual void begin() {}
    virtual void take(std::string_view bytes) = 0;
    virtual void tick() = 0;         // looks at replies that wait
    virtual std::string more() = 0;  // what else is to be sent; "": nothing now

    TlsServer& server_;
    std::size_t number_ = 0;
    bool open_ = true;

  private:
    void read_what_is_there() {
        char bytes[16384];
        while (open_) {
            const int got = SSL_read(ssl_, bytes, sizeof bytes);
            if (got <= 0) {
                open_ = SSL_get_error(ssl_, got) == SSL_ERROR_WANT_READ;
                return;
            }
            take({bytes, static_cast<std::size_t>(got)});
        }
    }
    void write_what_goes() {
        while (open_) {
            if (out_.empty()) out_ = more();
            if (out_.empty()) return;
            const int put = SSL_write(ssl_, out_.data(), static_cast<int>(out_.size()));
            if (put <= 0) {
                open_ = SSL_get_error(ssl_, put) == SSL_ERROR_WANT_WRITE;
                return;
            }
            out_.erase(0, static_cast<std::size_t>(put));
        }
    }

    int fd_;
    SSL* ssl_;
    std::string out_;
};

class TlsServer::Http2Client : public TlsServer::Client {
  public:
    Http2Client(TlsServer& server, int fd) : Client(server, fd) {
        nghttp2_session_callbacks* callbacks = nullptr;
        nghttp2_session_callbacks_new(&callbacks);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, &Http2Client::on_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Http2Client::on_frame);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Http2Client::on_close);
        nghttp2_session_server_new(&session_, callbacks, this);
        nghttp2_session_callbacks_del(callbacks);
    }
    ~Http2Client() override { nghttp2_session_del(session_); }

  protected:
    void begin() override {
        const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 100}};
        nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
    }
    void take(std::string_view bytes) override {
        if (nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) < 0)
            open_ = false;
    }
    void tick() override {
        for (auto& [id, stream] : streams_) {
            if (!stream.waits || (stream.reply.ready && !stream.reply.ready())) continue;
            stream.waits = false;
            answer(id, stream);
        }
        if (!nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_)) open_ = false;
    }
    std::string more() override {
        const std::uint8_t* data = nullptr;
        const auto size = nghttp2_session_mem_send(session_, &data);
        return size <= 0 ? "" : std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }

  private:
    struct Stream {
        TlsRequest request;
        TlsReply reply;
        std::size_t sent = 0;
        bool waits = false;
    };

    void answer(std::int32_t id, Stream& stream) {
        switch (stream.reply.fault) {
            case TlsReply::Fault::Reset:
                nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
                return;
            case TlsReply::Fault::GoAway:
                nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, id - 2, NGHTTP2_NO_ERROR, nullptr, 0);
                return;
            case TlsReply::Fault::Close:
                open_ = false;
                return;
            default:
                break;
        }
        const std::string status = std::to_string(stream.reply.status);
        const auto bytes = [](const char* text) {
            return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text));
        };
        const nghttp2_nv headers[] = {
            {bytes(":status"), bytes(status.c_str()), 7, status.size(), NGHTTP2_NV_FLAG_NONE}};
        nghttp2_data_provider provider{};
        provider.source.ptr = &stream;
        provider.read_callback = &Http2Client::read_body;
        nghttp2_submit_response(session_, id, headers, 1, stream.request.method == "HEAD" ? nullptr : &provider);
    }

    static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t size,
                             std::uint32_t* flags, nghttp2_data_source* source, void*) {
        auto& stream = *static_cast<Stream*>(source->ptr);
        const bool stalls = stream.reply.fault == TlsReply::Fault::Stall;
        if (stalls && stream.sent == stream.reply.body.size()) return NGHTTP2_ERR_DEFERRED;
        const auto put = stream.reply.body.copy(reinterpret_cast<char*>(buffer), size, stream.sent);
        stream.sent += put;
        if (!stalls && stream.sent == stream.reply.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(put);
    }
    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                         const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) {
        auto& request = static_cast<Http2Client*>(self)->streams_[frame->hd.stream_id].request;
        const std::string_view key(reinterpret_cast<const char*>(name), name_size);
        const std::string text(reinterpret_cast<const char*>(value), value_size);
        if (key == ":path") request.path = text;
        if (key == ":method") request.method = text;
        return 0;
    }
    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self_pointer) {
        auto& self = *static_cast<Http2Client*>(self_pointer);
        if (frame->hd.type != NGHTTP2_HEADERS || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
        auto& stream = self.streams_[frame->hd.stream_id];
        stream.request.connection = self.number_;
        stream.reply = self.server_.asked(stream.request);
        stream.waits = true;
        return 0;
    }
    static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* self_pointer) {
        auto& self = *static_cast<Http2Client*>(self_pointer);
        const auto found = self.streams_.find(id);
        if (found == self.streams_.end()) return 0;
        const auto& stream = found->second;
        const bool broken =
            stream.reply.fault == TlsReply::Fault::Reset || stream.reply.fault == TlsReply::Fault::GoAway;
        if (!broken &&
            (stream.waits || stream.sent < stream.reply.body.size() || stream.reply.fault == TlsReply::Fault::Stall))
            ++self.server_.taken_back_;
        self.streams_.erase(found);
        return 0;
    }

    nghttp2_session* session_ = nullptr;
    std::map<std::int32_t, Stream> streams_;
};

// One request after the other, none with a body.
class TlsServer::Http1Client : public TlsServer::Client {
  public:
    using Client::Client;

  protected:
    void take(std::string_view bytes) override { in_ += bytes; }
    void tick() override {
        const auto end = in_.find("\r\n\r\n");
        if (!waits_ && end != std::string::npos) {
            const auto space = in_.find(' ');
            request_.method = in_.substr(0, space);
            request_.path = in_.substr(space + 1, in_.find(' ', space + 1) - space - 1);
            request_.connection = number_;
            in_.erase(0, end + 4);
            reply_ = server_.asked(request_);
            waits_ = true;
        }
        if (!waits_ || (reply_.ready && !reply_.ready())) return;
        waits_ = false;
        out_ = "HTTP/1.1 " + std::to_string(reply_.status) +
               " X\r\nContent-Length: " + std::to_string(reply_.body.size()) + "\r\n\r\n";
        if (request_.method != "HEAD") out_ += reply_.body;
    }
    std::string more() override { return std::exchange(out_, ""); }

  private:
    std::string in_, out_;
    TlsRequest request_;
    TlsReply reply_;
    bool waits_ = false;
};

TlsServer::TlsServer(Speaks speaks, Handler handler) : speaks_(speaks), handler_(std::move(handler)) {
    tls_ = std::make_unique<Tls>(speaks, ca_file());
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    need(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(listener_, 128) == 0,
         "it cannot listen");
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

TlsServer::~TlsServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
}

void TlsServer::accept_all() {
    while (!stopping_) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return;
        }
        // A client that says nothing must not keep the server from its end.
        const timeval patience{.tv_sec = 5, .tv_usec = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        const std::lock_guard lock(mutex_);
        threads_.emplace_back([this, fd] { serve(fd); });
    }
}

void TlsServer::serve(int fd) {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    if (speaks_ == Speaks::Http2) {
        Http2Client(*this, fd).run();
    } else {
        Http1Client(*this, fd).run();
    }
}

TlsReply TlsServer::asked(TlsRequest request) {
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
    }
    return handler_(request);
}

std::string TlsServer::url(std::string_view path) const {
    return "https://127.0.0.1:" + std::to_string(port_) + std::string(path);
}

std::vector<TlsRequest> TlsServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

std::size_t TlsServer::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

}  // namespace envbuild::testing
