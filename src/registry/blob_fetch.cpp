#include "registry/blob_fetch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "base/strings.hpp"

namespace envbuild::registry {

namespace {

constexpr int kMaxAttempts =
    6;  // of transfers that broke after bytes had come; what fails before is retried by HttpClient
// A reader slower than the registry's patience has its connection closed again and again; that is no failing transfer.
constexpr std::uint64_t kGoodProgress = 4U << 20;
constexpr std::size_t kAhead = 8U << 20;

// What has been handed on so far; the same across attempts.
struct Delivery {
    const oci::Descriptor& descriptor;
    const std::function<void(std::string_view)>& sink;
    Sha256 hash;
    std::uint64_t done = 0;

    void take(std::string_view bytes, std::string_view where) {
        if (bytes.empty()) return;
        if (done + bytes.size() > descriptor.size) {
            throw Error(ErrorKind::Corrupt, fmt::format("{} sent more than the {} bytes of the blob {}", where,
                                                        descriptor.size, descriptor.digest.to_string()));
        }
        hash.update(bytes);
        done += bytes.size();
        sink(bytes);
    }
};

enum class Outcome : std::uint8_t { Whole, Absent };

// One request. Throws Transient when it breaks; what has come by then is in `delivery`.
Outcome transfer(const Endpoint& endpoint, Delivery& delivery, bool& ranges_work) {
    HttpRequest request;
    request.url = endpoint.url("blobs/" + delivery.descriptor.digest.to_string());
    const bool resume = delivery.done > 0 && ranges_work;
    if (resume) request.headers["range"] = fmt::format("bytes={}-", delivery.done);
    std::uint64_t skip = 0;
    request.on_response = [&](const HttpResponse& response) {
        skip = delivery.done;
        if (response.status == 206) {
            const auto start = response.range_start();
            if (!resume || !start || *start > delivery.done) {
                ranges_work = false;
                throw Error(ErrorKind::Transient,
                            fmt::format("{} answered with another range than it was asked for", endpoint.registry()));
            }
            skip -= *start;
        }
    };
    request.sink = [&](std::string_view bytes) {
        const auto drop = std::min<std::uint64_t>(skip, bytes.size());
        skip -= drop;
        delivery.take(bytes.substr(drop), endpoint.registry());
    };
    const HttpResponse response = endpoint.send(request, Access::Pull);
    if (Endpoint::says_absent(response)) return Outcome::Absent;
    if (response.status == 416 && resume) {
        ranges_work = false;
        throw Error(ErrorKind::Transient, fmt::format("{} does not send a part of a blob", endpoint.registry()));
    }
    if (!response.ok()) throw endpoint.failure("get a blob of", request, response, Access::Pull);
    if (delivery.done < delivery.descriptor.size) {
        throw Error(ErrorKind::Transient,
                    fmt::format("{} ended the blob {} after {} of {} bytes", endpoint.registry(),
                                delivery.descriptor.digest.to_string(), delivery.done, delivery.descriptor.size));
    }
    return Outcome::Whole;
}

Outcome fetch_from(const Endpoint& endpoint, Delivery& delivery) {
    bool ranges_work = true;
    std::uint64_t last_break = delivery.done;
    for (int attempt = 1;; ++attempt) {
        const auto before = delivery.done;
        try {
            return transfer(endpoint, delivery, ranges_work);
        } catch (const Error& error) {
            // Without a byte more, HttpClient has tried often enough; only a refused range is worth another go.
            const bool progressed = delivery.done > before || !ranges_work;
            if (delivery.done - last_break >= kGoodProgress) attempt = 1;
            last_break = delivery.done;
            if (error.kind() != ErrorKind::Transient || !progressed || attempt == kMaxAttempts) throw;
        }
        const auto delay = endpoint.http().settings().retry.delay(attempt, std::nullopt);
        sleep_for(delay.value_or(std::chrono::milliseconds(0)), endpoint.http().cancel());
    }
}

// Thrown inside the fetching thread when its reader is gone.
struct Abandoned {};

// Bytes between the fetching thread and the reader.
class Channel {
  public:
    void push(std::string_view bytes) {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return held_ < kAhead || abandoned_; });
        if (abandoned_) throw Abandoned{};
        chunks_.emplace_back(bytes);
        held_ += bytes.size();
        changed_.notify_all();
    }
    void end(std::exception_ptr failure) {
        const std::scoped_lock guard(mutex_);
        ended_ = true;
        failure_ = std::move(failure);
        changed_.notify_all();
    }
    void abandon() {
        const std::scoped_lock guard(mutex_);
        abandoned_ = true;
        changed_.notify_all();
    }
    std::size_t pop(char* buffer, std::size_t size) {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [&] { return !chunks_.empty() || ended_; });
        if (chunks_.empty()) {
            if (failure_) std::rethrow_exception(failure_);
            return 0;
        }
        const std::string_view front = std::string_view(chunks_.front()).substr(offset_);
        const std::size_t count = std::min(size, front.size());
        std::memcpy(buffer, front.data(), count);
        offset_ += count;
        held_ -= count;
        if (count == front.size()) {
            chunks_.pop_front();
            offset_ = 0;
        }
        changed_.notify_all();
        return count;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> chunks_;
    std::size_t offset_ = 0, held_ = 0;
    bool ended_ = false, abandoned_ = false;
    std::exception_ptr failure_;
};

class FetchingReader : public oci::BlobReader {
  public:
    FetchingReader(std::shared_ptr<const Endpoint> endpoint, oci::Descriptor descriptor)
        : thread_([this, endpoint = std::move(endpoint), descriptor = std::move(descriptor)] {
              try {
                  fetch_blob(*endpoint, descriptor, [this](std::string_view bytes) { channel_.push(bytes); });
                  channel_.end(nullptr);
              } catch (const Abandoned&) {
                  channel_.end(nullptr);
              } catch (...) {
                  channel_.end(std::current_exception());
              }
          }) {}
    ~FetchingReader() override {
        channel_.abandon();
        thread_.join();
    }
    FetchingReader(const FetchingReader&) = delete;
    FetchingReader& operator=(const FetchingReader&) = delete;

    std::size_t read(char* buffer, std::size_t size) override { return channel_.pop(buffer, size); }

  private:
    Channel channel_;
    std::thread thread_;  // last: it uses the channel
};

}  // namespace

void fetch_blob(const Endpoint& endpoint, const oci::Descriptor& descriptor,
                const std::function<void(std::string_view)>& sink) {
    Delivery delivery{descriptor, sink, {}, 0};
    if (fetch_from(endpoint, delivery) == Outcome::Absent) {
        throw Error(ErrorKind::NotFound,
                    fmt::format("{} has no blob {}", endpoint.registry(), descriptor.digest.to_string()));
    }
    if (const Digest digest = delivery.hash.finish(); digest != descriptor.digest) {
        throw Error(ErrorKind::Corrupt,
                    fmt::format("{} sent content with the digest {} for the blob {}", endpoint.registry(),
                                digest.to_string(), descriptor.digest.to_string()));
    }
}

std::unique_ptr<oci::BlobReader> open_blob(std::shared_ptr<const Endpoint> endpoint, oci::Descriptor descriptor) {
    return std::make_unique<FetchingReader>(std::move(endpoint), std::move(descriptor));
}

}  // namespace envbuild::registry
