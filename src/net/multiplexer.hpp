// Internal to net/: requests of many threads to one origin over one connection of HTTP/2.
#pragma once

#include <curl/curl.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace envbuild::net {

// A thread of its own drives all transfers in one multi handle. Only transfers that take bytes as fast as they come may
// run here: libcurl 7.88 stops the whole connection while one of its streams is paused. The first request to an origin
// finds out what it speaks, while the others wait for that; those to an origin without HTTP/2 come back as NotShared.
// Thread-safe; destroyed when no run() is under way.
class Multiplexer {
  public:
    struct Result {
        enum class End : std::uint8_t {
            Finished,   // with `code`
            Stopped,    // by `stop`
            NotShared,  // nothing was sent: to be sent on a connection of its own
        };
        End end;
        CURLcode code = CURLE_OK;
    };

    Multiplexer();
    ~Multiplexer();
    Multiplexer(const Multiplexer&) = delete;
    Multiplexer& operator=(const Multiplexer&) = delete;

    // Runs the transfer of `easy`, whose callbacks are called on this class's thread and must not throw, wait or call
    // run(). `stop` is called on the calling thread every kPollInterval, with true while the transfer has not begun; it
    // must not throw. When run() returns, nothing uses `easy` any more.
    [[nodiscard]] Result run(CURL* easy, const std::string& origin, const std::function<bool(bool waiting)>& stop);

    // What the origin is asked for from now on is NotShared.
    void give_up(const std::string& origin);

  private:
    struct Job;
    enum class Speaks : std::uint8_t { Unknown, Http2, NotShared };
    struct Origin {
        Speaks speaks = Speaks::Unknown;
    };

    void loop();
    void attend();
    void learn();
    void collect();
    void end(Job& job, Result result);
    void hand_back(const Origin& origin);
    [[nodiscard]] bool may_begin(const Job& job) const;

    CURLM* multi_ = nullptr;
    std::mutex mutex_;  // of all that follows
    std::map<std::string, Origin> origins_;
    std::list<Job*> jobs_;  // which have not ended, in the order of their coming; each lives in its caller's run()
    bool stopping_ = false;
    std::thread thread_;  // from the first run() on
};

}  // namespace envbuild::net
