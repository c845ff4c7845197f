#include "build/stages.hpp"

#include <cmath>

namespace envbuild::build {

namespace {
double milliseconds(double seconds) {
    return std::round(seconds * 1000) / 1000;
}
}  // namespace

Json Stages::to_json() const {
    Json json = Json::object();
    for (const auto& [name, seconds] : seconds_)
        json.set(name, milliseconds(json[name].is_number() ? json[name].as_double() + seconds : seconds));
    json.set("total", milliseconds(std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count()));
    return json;
}

}  // namespace envbuild::build
