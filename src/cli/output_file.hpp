// What a command writes where the user said: one file, or a folder.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace envbuild::cli {

// Asked before the work is done: the folder that `output` is to lie in must be there. A slip in a path makes no
// folders. InvalidInput.
void check_output(const std::filesystem::path& output);

// Runs `write`. Where this machine fails (a full disk), the error speaks of `output` and not of the cache.
void write_output(const std::filesystem::path& output, const std::function<void()>& write);
void write_output(const std::filesystem::path& output, std::string_view text);

}  // namespace envbuild::cli
