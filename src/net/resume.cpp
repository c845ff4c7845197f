#include "net/resume.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"

namespace envbuild::net {

bool Resume::fits(const HttpRequest& request) {
    return request.method == "GET" && request.sink && request.restart && !request.source &&
           std::ranges::none_of(request.headers, [](const auto& header) { return to_lower(header.first) == "range"; });
}

Resume::Resume(const HttpRequest& original) : original_(original), mine_(original) {
    mine_.sink = [this](std::string_view bytes) {
        original_.sink(bytes);
        got_ += bytes.size();
    };
    mine_.on_response = [this](const HttpResponse& response) { answered(response); };
    mine_.restart = [this] { again(); };
}

void Resume::answered(const HttpResponse& response) {
    if (resuming_ && response.status == 206) {
        if (response.range_start() == got_ && response.header("etag") == first_.header("etag") &&
            response.header("content-encoding").empty())
            return;
        throw OtherPiece{};
    }
    if (resuming_) {  // the file is another one by now
        forget();
        original_.restart();
    }
    first_ = response;
    if (original_.on_response) original_.on_response(response);
}

void Resume::again() {
    const std::string etag = first_.header("etag");
    if (!given_up_ && got_ > 0 && first_.status == 200 && etag.starts_with('"') &&
        first_.header("content-encoding").empty() && first_.header("accept-ranges") != "none") {
        resuming_ = true;
        mine_.decompress = false;  // a piece of an encoded answer would be of no use
        mine_.headers["range"] = fmt::format("bytes={}-", got_);
        mine_.headers["if-range"] = etag;
        return;
    }
    forget();
    original_.restart();
}

void Resume::forget() {
    resuming_ = false;
    got_ = 0;
    mine_.decompress = original_.decompress;
    mine_.headers = original_.headers;
}

void Resume::give_up() {
    given_up_ = true;
    forget();
    original_.restart();
}

HttpResponse Resume::answer(const HttpResponse& last) const {
    return resuming_ && last.status == 206 ? first_ : last;
}

}  // namespace envbuild::net
