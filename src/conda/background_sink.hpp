// Gives bytes to a function that runs beside the caller. Internal to conda/.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace envbuild::conda {

// In their order and in larger pieces, on a thread that is started once there is more than a piece; on the caller's
// own where the machine gives none. For one caller: of
// what the function throws its next write() or finish() throws the first, and it is called no more.
class BackgroundSink {
  public:
    explicit BackgroundSink(std::function<void(std::string_view)> sink) : sink_(std::move(sink)) {}
    ~BackgroundSink();  // what was not given yet is dropped
    BackgroundSink(BackgroundSink&&) = delete;

    void write(std::string_view bytes);  // waits while a few pieces are not taken yet
    void finish();                       // returns once all was given

    // Larger writes to a file were measured to cost three times as much: the kernel then takes larger pages for it.
    static constexpr std::size_t kPiece = 1 << 17, kWaiting = 16;

  private:
    void hand_over();
    void work();

    std::function<void(std::string_view)> sink_;
    std::string filling_;
    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::deque<std::string> waiting_;
    std::vector<std::string> spare_;  // memory of pieces that were given
    bool ended_ = false, dropped_ = false, done_ = false;
    std::exception_ptr failure_;
    std::jthread worker_;
};

}  // namespace envbuild::conda
