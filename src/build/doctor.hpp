// `envbuild doctor`: looks at this host and says, line by line, what would keep an environment from being built or run
// here, and what to do about it (docs/doctor.md). It changes nothing and leaves nothing.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "build/workbench.hpp"
#include "conda/platform.hpp"

namespace envbuild::build {

enum class Health : std::uint8_t { Ok, Warn, Fail };

// One line of the answer.
struct Finding {
    std::string check;  // "driver", "gpu", "engine", …: for scripts; several lines may share one
    Health health = Health::Ok;
    std::string text;
    std::string advice;           // what to do; "" where nothing is to be done
    Json facts = Json::object();  // the numbers in the text
};

struct DoctorOptions {
    std::string image;  // look whether this one runs here; "" for none
    bool gpu = false;   // this host must have a GPU
    conda::Platform platform;
    std::filesystem::path root = "/";                  // where proc/, etc/ and run/ are looked for
    std::chrono::milliseconds command_timeout{10000};  // of nvidia-smi and the like
};

struct DoctorReport {
    std::vector<Finding> findings;

    [[nodiscard]] std::size_t count(Health health) const;
    [[nodiscard]] Json to_json() const;
};

[[nodiscard]] std::string_view to_string(Health health);  // "ok", "warn", "fail"

// `on_finding` is called with each as it comes. What cannot be looked at is a finding, not an error; thrown are
// InvalidInput for an image name that is none, and Cancelled.
[[nodiscard]] DoctorReport run_doctor(const DoctorOptions& options, const Workbench& bench,
                                      const std::function<void(const Finding&)>& on_finding = {});

}  // namespace envbuild::build
