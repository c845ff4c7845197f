// The stream of JSON documents, one a line, in which an engine tells how long work goes on.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace envbuild::docker {

// Takes the stream in pieces of any size. Not thread-safe.
class JsonLines {
  public:
    explicit JsonLines(std::function<void(const Json&)> on_document) : on_document_(std::move(on_document)) {}

    // Throws Error(Corrupt) for a line that is not JSON or is longer than 16 MiB, and what on_document throws.
    void feed(std::string_view bytes);
    // The stream is over: takes a last line that has no newline.
    void finish();

  private:
    void take(std::string_view line);

    std::function<void(const Json&)> on_document_;
    std::string rest_;
};

}  // namespace envbuild::docker
