// A small parser of Dockerfiles for the tests: written from Docker's reference, it shares nothing with the code that
// quotes.
#pragma once

#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace dockerfile_test {

struct Instruction {
    std::string keyword;    // upper case
    std::string arguments;  // as written, continuation lines joined
};

// Throws std::runtime_error for a parser directive (# escape=, # syntax=), which no Dockerfile of ours may have.
std::vector<Instruction> parse_dockerfile(std::string_view text);

// ENV's and LABEL's arguments: words, quotes, escapes and variables as the builder's lexer reads them. A variable, a
// heredoc and a word without '=' throw.
std::map<std::string, std::string> parse_pairs(std::string_view arguments);

// RUN's exec form behind any --flags. Throws where it is the shell form, or where a builder would look for a heredoc.
std::vector<std::string> parse_exec(std::string_view arguments);

// Text made to break quoting: fragments of shells, Dockerfiles, mustache and JSON, without control characters.
std::string nasty_text(std::minstd_rand& random);

}  // namespace dockerfile_test
