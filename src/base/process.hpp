// Runs another program: credential helpers and the like. No shell is ever involved.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"

namespace envbuild {

struct ProcessResult {
    int exit_code = 0;  // 128 + signal where it was killed
    std::string out, err;
};

// Runs argv[0] (found in PATH) with `input` on its standard input and collects both outputs, each up to `output_limit`
// bytes. NotFound when there is no such program, Transient when it runs past `timeout` (it is killed), Cancelled when
// told so.
[[nodiscard]] ProcessResult run_process(const std::vector<std::string>& argv, std::string_view input,
                                        std::chrono::milliseconds timeout, const CancelToken& cancel,
                                        std::size_t output_limit = 1 << 20);

}  // namespace envbuild
