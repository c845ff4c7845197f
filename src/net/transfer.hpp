// Internal to net/: one request and its answer as libcurl's handle. Who runs it is the caller's affair.
#pragma once

#include <curl/curl.h>

#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <string>
#include <string_view>

#include "net/connection_pool.hpp"

namespace envbuild::net {

// Until its end another thread may run the handle; only moved() and touch() may be called meanwhile.
class Transfer {
  public:
    using Clock = std::chrono::steady_clock;

    // `wire` outlives this. Error(InvalidInput) for a header with a control character.
    Transfer(const Wire& wire, const HttpSettings& settings, CURLSH* share);
    ~Transfer();
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    [[nodiscard]] CURL* handle() const { return easy_; }
    // The sink, on_response or the body source threw: the transfer is to end.
    [[nodiscard]] bool has_thrown() const { return thrown_ != nullptr; }

    // When something came or went for the last time.
    [[nodiscard]] Clock::time_point moved() const { return moved_; }
    void touch() { moved_ = Clock::now(); }

    // What came of it, once it has ended with `code` or was stopped; throws what the callbacks threw.
    [[nodiscard]] Outcome stopped() const;
    [[nodiscard]] Outcome finished(CURLcode code);

  private:
    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* self);
    static std::size_t on_header(char* data, std::size_t, std::size_t size, void* self);
    static std::size_t on_read(char* buffer, std::size_t, std::size_t size, void* self);
    static int on_seek(void* self, curl_off_t offset, int whence);

    void prepare(const HttpSettings& settings, CURLSH* share);
    void prepare_body();
    void add_header(const std::string& line) { headers_ = curl_slist_append(headers_, line.c_str()); }
    void announce();
    std::size_t take(std::string_view bytes);
    void describe(CURLcode code, Outcome& outcome) const;

    const Wire& wire_;
    CURL* easy_ = curl_easy_init();
    curl_slist* headers_ = nullptr;
    HttpResponse response_;
    std::exception_ptr thrown_;
    std::atomic<Clock::time_point> moved_ = Clock::now();
    std::size_t body_sent_ = 0;
    bool announced_ = false;
    bool sink_used_ = false;
    bool link_local_ = false;
    bool body_ended_early_ = false;  // an error's body is long: its beginning will do
    std::array<char, CURL_ERROR_SIZE> detail_{};
};

}  // namespace envbuild::net
