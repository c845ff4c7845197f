#include "conda/repodata_download.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include "base/strings.hpp"
#include "conda/channel.hpp"
#include "conda/repodata_file.hpp"
#include "net/freshness.hpp"

namespace envbuild::conda {

RepoDataReceiver::RepoDataReceiver(std::filesystem::path destination, std::uint64_t size_limit,
                                   std::optional<std::string> scanned_as)
    : destination_(std::move(destination)), size_limit_(size_limit), scanned_as_(std::move(scanned_as)) {
    restart();
}

void RepoDataReceiver::restart() {
    kept_.reset();
    file_ = std::make_unique<AtomicFile>(destination_);
    decoder_.reset();
    if (scanned_as_) scanner_.emplace(*scanned_as_);
    start_.clear();
    size_ = 0;
    begun_ = false;
    // Writing and scanning cost as much as receiving and decompressing.
    kept_.emplace([this](std::string_view bytes) { keep(bytes); });
}

void RepoDataReceiver::put(std::string_view bytes) {
    size_ += bytes.size();
    if (size_ > size_limit_)
        throw Error(ErrorKind::Corrupt, fmt::format("the repodata is larger than {}", human_bytes(size_limit_)));
    kept_->write(bytes);
}

void RepoDataReceiver::keep(std::string_view bytes) {
    file_->write(bytes);
    if (scanner_) scanner_->feed(bytes);
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
    kept_->finish();
    if (scanner_) scan_ = scanner_->finish();
}

std::shared_ptr<const RepoData> RepoDataReceiver::commit(RepoData::Origin origin) {
    UniqueFd fd(::open(file_->temporary_path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw_errno("read", file_->temporary_path());
    // Checked before it has a name: a broken one never gets into the cache.
    const auto file = std::make_shared<RepoDataFile>(std::move(origin), std::nullopt, std::move(fd),
                                                     RepoDataIndex::make(std::exchange(scan_, {})));
    auto data = RepoData::make(file);
    file_->commit();
    save_index_beside(file->index, destination_);
    return data;
}

RepoDataAnswer request_repodata(HttpClient& http, const Url& url, const std::optional<RepoDataConditions>& conditions,
                                RepoDataReceiver& receiver, int attempts) {
    HttpRequest request;
    request.max_attempts = attempts;
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
        if (ends_the_run(error) || error.kind() == ErrorKind::Unauthorized) throw;
        answer.kind = RepoDataAnswer::Kind::Failed;
        answer.failure = std::move(error);
    }
    return answer;
}

bool ends_the_run(const Error& error) {
    return error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::Io;
}

}  // namespace envbuild::conda
