#include "base/failpoint.hpp"

#include <fmt/format.h>
#include <unistd.h>
#include <csignal>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <list>
#include <string>
#include <thread>

#include "base/error.hpp"
#include "base/strings.hpp"

namespace envbuild {

namespace {

struct Point {
    std::string name, action;
    std::atomic<int> passes = 1;
};

std::list<Point> read_points() {
    std::list<Point> points;
    const char* text = std::getenv("ENVBUILD_FAILPOINTS");
    if (text == nullptr) return points;
    for (const auto entry : split(text, ';')) {
        const auto equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        auto& point = points.emplace_back();
        point.name = trim(entry.substr(0, equals));
        auto action = trim(entry.substr(equals + 1));
        if (const auto star = action.find('*'); star != std::string_view::npos) {
            int passes = 1;
            const auto number = action.substr(0, star);
            std::from_chars(number.begin(), number.end(), passes);
            point.passes = passes;
            action.remove_prefix(star + 1);
        }
        point.action = action;
    }
    return points;
}

}  // namespace

void failpoint(std::string_view name) {
    static std::list<Point> points = read_points();
    if (points.empty()) return;
    for (auto& point : points) {
        if (point.name != name || point.passes.fetch_sub(1) > 1) continue;
        if (point.action == "abort") ::kill(::getpid(), SIGKILL);
        if (point.action == "error") throw Error(ErrorKind::Io, fmt::format("failpoint {}", name));
        if (point.action.starts_with("sleep:"))
            std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(point.action.c_str() + 6)));
    }
}

}  // namespace envbuild
