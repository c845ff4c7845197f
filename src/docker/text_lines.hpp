// Terminal output cut into lines.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace envbuild::docker {

// The text without ANSI escape sequences (CSI and OSC) and other control characters but tabs.
[[nodiscard]] std::string strip_terminal(std::string_view text);

// Puts fragments together to lines. Where a program draws a line again and again (carriage returns), its last state
// counts. A line longer than 64 KiB is cut into several. Not thread-safe.
class TextLines {
  public:
    void feed(std::string_view bytes, const std::function<void(const std::string& line)>& on_line);
    // True where a line has begun and not ended.
    [[nodiscard]] bool in_line() const { return !rest_.empty(); }
    // A last line without its newline.
    void finish(const std::function<void(const std::string& line)>& on_line);

  private:
    void take(std::string_view line, const std::function<void(const std::string&)>& on_line) const;
    std::string rest_;
};

}  // namespace envbuild::docker
