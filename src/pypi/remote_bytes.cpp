#include "pypi/remote_bytes.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace envbuild::pypi {

namespace {

// Of a wheel's end: as far from it as an end record may be. It holds the directory of most wheels too, and METADATA,
// which mostly lies right before that.
constexpr std::uint64_t kTail = 68 << 10;
constexpr std::uint64_t kSmall = 4 << 20;  // a whole file that is taken in place of pieces
constexpr std::uint64_t kLargestRead = 256 << 20;

struct NoPieces {};

std::optional<std::uint64_t> number_after(std::string_view text, char mark) {
    const auto at = text.rfind(mark);
    std::uint64_t value = 0;
    if (at == std::string_view::npos) return std::nullopt;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + at + 1, end, value);
    return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(value) : std::nullopt;
}

std::string shown_url(const Url& url) {
    return url.without_user_info().to_string();
}

class WholeBytes final : public RandomBytes {
  public:
    explicit WholeBytes(std::string bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] std::uint64_t size() const override { return bytes_.size(); }
    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t size) override {
        return bytes_.substr(offset, size);
    }

  private:
    std::string bytes_;
};

class RemoteBytes final : public RandomBytes {
  public:
    RemoteBytes(HttpClient& client, Url url, std::uint64_t size, std::string tail)
        : client_(client), url_(std::move(url)), size_(size), tail_(std::move(tail)) {}

    [[nodiscard]] std::uint64_t size() const override { return size_; }

    [[nodiscard]] std::string read(std::uint64_t offset, std::uint64_t size) override {
        const std::uint64_t tail_at = size_ - tail_.size();
        if (offset >= tail_at) return tail_.substr(offset - tail_at, size);
        if (size == 0) return "";
        if (offset + size > tail_at) return read(offset, tail_at - offset) + tail_.substr(0, offset + size - tail_at);
        if (size > kLargestRead)
            throw Error(ErrorKind::Corrupt, fmt::format("{}: a piece of {} bytes is asked for", shown_url(url_), size));
        HttpRequest request;
        request.url = url_;
        request.headers["range"] = fmt::format("bytes={}-{}", offset, offset + size - 1);
        request.body_limit = size;
        request.on_response = [&](const HttpResponse& response) {
            if (response.status != 206 || response.range_start() != offset) throw wrong_piece();
        };
        HttpResponse response = client_.send(request);
        if (!response.ok()) throw http_error(fmt::format("GET {}", shown_url(url_)), request, response);
        if (response.body.size() != size) throw wrong_piece();
        return std::move(response.body);
    }

  private:
    [[nodiscard]] Error wrong_piece() const {
        return Error(ErrorKind::Transient,
                     fmt::format("{}: the server sent another piece of the file than asked for", shown_url(url_)));
    }

    HttpClient& client_;
    Url url_;
    std::uint64_t size_;
    std::string tail_;
};

}  // namespace

std::unique_ptr<RandomBytes> open_remote(HttpClient& client, const Url& url) {
    HttpRequest request;
    request.url = url;
    request.headers["range"] = fmt::format("bytes=-{}", kTail);
    request.body_limit = kSmall;
    request.on_response = [&](const HttpResponse& response) {
        const auto length = number_after("=" + response.header("content-length"), '=');
        if (response.status == 206 ? length > kTail : !length || *length > kSmall) throw NoPieces{};
    };
    HttpResponse response;
    try {
        response = client.send(request);
    } catch (const NoPieces&) {
        return nullptr;
    }
    if (response.status == 416 || response.status == 501) return nullptr;  // no pieces counted from the end
    if (!response.ok()) throw http_error(fmt::format("GET {}", shown_url(url)), request, response);
    if (response.status != 206) return std::make_unique<WholeBytes>(std::move(response.body));
    const auto total = number_after(response.header("content-range"), '/');
    const auto start = response.range_start();
    if (!total || !start || *start > *total || *total - *start != response.body.size()) return nullptr;
    return std::make_unique<RemoteBytes>(client, url, *total, std::move(response.body));
}

}  // namespace envbuild::pypi
