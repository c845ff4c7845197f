// Asking for an image where it may be: its registry's mirrors in turn, then the registry itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/base_image.hpp"

namespace envbuild::build {

struct AskedPlaces {
    std::vector<std::string> names;
    std::optional<Error> failure;  // the first: without one all said that they do not have it
};

// The first answer of `ask`, which gets each place as an oci::Repository and answers with something that is false where
// the place does not have it. A place that cannot be asked, refuses or has damaged content is passed over; what else
// `ask` throws comes out, and so does InvalidInput for a mirror that is not written as one.
template <typename Ask>
auto ask_places(const oci::Repository& name, const Workbench& bench, AskedPlaces& asked, Ask ask)
    -> decltype(ask(name)) {
    for (const auto& place : image_sources(name, bench.settings())) {
        asked.names.push_back(place.to_string());
        try {
            if (auto answer = ask(place)) return answer;
        } catch (const Error& error) {
            const auto kind = error.kind();
            if (kind != ErrorKind::Transient && kind != ErrorKind::Unauthorized && kind != ErrorKind::Corrupt) throw;
            if (!asked.failure) asked.failure = error;
        }
    }
    return {};
}

}  // namespace envbuild::build
