#include "conda/repodata_download.hpp"

#include <fmt/format.h>

#include "base/strings.hpp"
#include "conda/channel.hpp"
#include "net/freshness.hpp"

namespace envbuild::conda {

RepoDataReceiver::RepoDataReceiver(std::filesystem::path destination, std::uint64_t size_limit)
    : destination_(std::move(destination)), size_limit_(size_limit) {
    restart();
}

void RepoDataReceiver::restart() {
    file_ = std::make_unique<AtomicFile>(destination_);
    decoder_.reset();
    start_.clear();
    begun_ = false;
}

void RepoDataReceiver::put(std::string_view bytes) {
    if (file_->size() + bytes.size() > size_limit_) {
        throw Error(ErrorKind::Corrupt, fmt::format("the repodata is larger than {}", human_bytes(size_limit_)));
    }
    file_->write(bytes);
}

void RepoDataReceiver::begin() {
    begun_ = true;
    decoder_ = StreamDecoder::for_start(start_);
    if (!decoder_ && trim(start_).starts_with('<')) throw HtmlPage{};
    const std::string start = std::move(start_);
    start_.clear();
    if (!start.empty()) write(start);
}

void RepoDataReceiver::write(std::string_view bytes) {
    if (!begun_) {
        start_ += bytes;
        if (start_.size() >= 4) begin();
        return;
    }
    if (decoder_) {
        decoder_->write(bytes, [this](std::string_view out) { put(out); });
    } else {
        put(bytes);
    }
}

void RepoDataReceiver::finish() {
    if (!begun_) begin();
    if (decoder_) decoder_->finish();
}

RepoDataAnswer request_repodata(HttpClient& http, const Url& url, const std::optional<RepoDataConditions>& conditions,
                                RepoDataReceiver& receiver) {
    HttpRequest request;
    request.url = url;
    request.decompress = url.path().ends_with(".json");
    if (conditions) ask_whether_changed(request, conditions->etag, conditions->last_modified);
    request.sink = [&](std::string_view bytes) { receiver.write(bytes); };
    request.restart = [&] { receiver.restart(); };
    RepoDataAnswer answer;
    try {
        answer.response = http.send(request);
        const int status = answer.response.status;
        if (status == 200) {
            receiver.finish();
            answer.kind = RepoDataAnswer::Kind::Received;
        } else if (status == 304 && conditions) {
            answer.kind = RepoDataAnswer::Kind::NotModified;
        } else if (status == 404 || status == 410) {
            answer.kind = RepoDataAnswer::Kind::Missing;
        } else if (status == 403) {
            answer.kind = RepoDataAnswer::Kind::Forbidden;
        } else {
            auto error =
                http_error(fmt::format("GET {}", without_credentials(url).to_string()), request, answer.response);
            if (status != 401) throw Error(std::move(error));
            throw std::move(error).with_hint(
                "the channel needs a login: put it into ~/.netrc, or into the channel's URL through ${VARIABLE}, in "
                "the "
                "file or in .condarc's custom_channels");
        }
    } catch (const RepoDataReceiver::HtmlPage&) {
        answer.kind = RepoDataAnswer::Kind::Html;
    } catch (Error& error) {
        error.add_context(fmt::format("fetching {}", without_credentials(url).to_string()));
        throw;
    }
    return answer;
}

}  // namespace envbuild::conda
