#include "spec/reading.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <numeric>
#include <tuple>

#include "base/fs.hpp"
#include "base/strings.hpp"
#include "base/text_encoding.hpp"
#include "spec/file_kind.hpp"

namespace envbuild::spec {

namespace {

constexpr std::uint64_t kMaxBytes = 4U << 20U;
constexpr std::string_view kMaxBytesText = "4 MiB";

// What goes on a command line beside the file reaches Dockerfiles and locks too.
void check_asked(const ReadOptions& options) {
    const auto check = [](std::string_view option, std::string_view value) {
        if (has_control_character(value)) {
            throw Error(ErrorKind::InvalidInput, fmt::format("the value of {} holds a control character", option));
        }
    };
    check("--base", options.base_image);
    check("--cuda", options.gpu.cuda);
    check("--target-cuda", options.gpu.target_cuda);
    check("--target-cpu", options.gpu.target_cpu);
    check("--python", options.python);
}

}  // namespace

bool Reading::ok() const {
    return std::ranges::none_of(diagnostics,
                                [](const Diagnostic& d) { return d.severity == Diagnostic::Severity::Error; });
}

void Reading::error(const YamlNode& node, std::string message, std::string hint, int offset) {
    diagnostics.push_back(node.diagnostic(Diagnostic::Severity::Error, std::move(message), std::move(hint), offset));
}

void Reading::warn(const YamlNode& node, std::string message, std::string hint, int offset) {
    diagnostics.push_back(node.diagnostic(Diagnostic::Severity::Warning, std::move(message), std::move(hint), offset));
}

void Reading::report(Diagnostic::Severity severity, SourcePlace place, std::string message, std::string hint) {
    diagnostics.push_back({severity, std::move(place), std::move(message), std::move(hint), ""});
}

Diagnostic diagnostic_of(const Error& error, const std::string& file) {
    Diagnostic out;
    out.place.file = file;
    out.message = error.message();
    out.hint = error.hint();
    std::string_view rest = error.message();
    if (!rest.starts_with(file + ":")) return out;
    rest.remove_prefix(file.size() + 1);
    for (int* const number : {&out.place.line, &out.place.column}) {
        int value = 0;
        const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        if (failed != std::errc{} || end == rest.data() + rest.size() || *end != ':') break;
        *number = value;
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
    }
    out.message = trim(rest);
    // to_error() puts the excerpt, less its indentation, at the beginning of the hint.
    if (const auto caret = out.hint.find('^'); caret != std::string::npos) {
        const auto end = out.hint.find('\n', caret);
        out.excerpt = "  " + replace_all(out.hint.substr(0, caret + 1), "\n", "\n  ");
        out.hint = end == std::string::npos ? "" : std::string(trim(out.hint.substr(end)));
    }
    return out;
}

void sort_by_line(std::vector<Diagnostic>& diagnostics, const std::string& file) {
    // By hand: std::stable_sort of libstdc++ 12 uses a function that clang calls deprecated.
    std::vector<std::size_t> order(diagnostics.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) {
        return std::tuple(diagnostics[i].place.file != file, diagnostics[i].place.line, i);
    });
    std::vector<Diagnostic> sorted;
    sorted.reserve(diagnostics.size());
    for (const std::size_t i : order) sorted.push_back(std::move(diagnostics[i]));
    diagnostics = std::move(sorted);
}

std::string_view template_mark(std::string_view text) {
    for (const std::string_view mark : {"{{", "{%", "<%"}) {
        if (text.find(mark) != std::string_view::npos) return mark;
    }
    return "";
}

namespace {

// poll() wakes for a signal and for the deadline, where a read() would wait on for a terminal's next line.
std::string read_polled(int fd, const std::string& name, const CancelToken& cancel) {
    std::string bytes;
    std::array<char, 1U << 16U> block{};
    while (true) {
        cancel.throw_if_cancelled();
        pollfd input{fd, POLLIN, 0};
        const int ready = ::poll(&input, 1, 50);
        if (ready < 0 && errno != EINTR) throw_errno("wait for", name);
        if (ready <= 0) continue;
        const ssize_t got = ::read(fd, block.data(), block.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) throw_errno("read", name);
        if (got == 0) return bytes;
        bytes.append(block.data(), static_cast<std::size_t>(got));
        if (bytes.size() > kMaxBytes) {
            throw Error(ErrorKind::InvalidInput, fmt::format("{}: more than {} were given", name, kMaxBytesText));
        }
    }
}

}  // namespace

InputFile open_input(const std::filesystem::path& path, const CancelToken& cancel) {
    if (path != "-") {
        const auto directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
        std::error_code ignored;
        if (!std::filesystem::is_fifo(path, ignored)) return {read_file(path, kMaxBytes), path.string(), directory};
        // Without waiting for somebody to write: that too can be interrupted then.
        const UniqueFd fifo(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fifo) throw_errno("read", path);
        return {read_polled(fifo.get(), path.string(), cancel), path.string(), directory};
    }
    return {read_polled(STDIN_FILENO, "<stdin>", cancel), "<stdin>", "."};
}

namespace {

// What to do about a mapping of which no key is known: most likely each has a slip in it.
std::string advice_on_keys(const YamlNode& root, FileKind kind) {
    std::string text(advice(kind));
    if (kind != FileKind::Unknown || !root.is_mapping()) return text;
    for (const auto& [key, value] : root.members()) {
        const auto near = nearest(key.text(), {"name", "channels", "dependencies", "variables", "platforms"});
        if (!near.empty()) text += fmt::format("\n'{}': did you mean '{}'?", key.text(), near);
    }
    return text;
}

}  // namespace

Reading read_all(std::string_view bytes, const std::string& file, const std::filesystem::path& directory,
                 const ReadOptions& options) {
    check_asked(options);
    if (bytes.size() > kMaxBytes) {
        throw Error(ErrorKind::InvalidInput, fmt::format("{}: the file has {}; the limit is {}", file,
                                                         human_bytes(bytes.size()), kMaxBytesText));
    }
    Reading out;
    out.file = file;
    out.spec.platform = options.platform;
    out.spec.base_image = options.base_image;
    out.spec.gpu = options.gpu;
    out.spec.overrides = options.overrides;
    out.spec.channel_priority = options.channel_priority;
    read_pins(directory, options, out);
    auto text = decode_text(bytes, file);
    if (!text) {
        out.diagnostics.push_back(diagnostic_of(text.error(), file));
        return out;
    }
    out.kind = kind_of_text(*text, file);
    if (out.kind == FileKind::Requirements) {
        read_requirements_text(*text, directory, options, out);
    } else if (out.kind == FileKind::CondaEnvironment) {
        auto root = parse_yaml(*text, file);
        if (!root) {
            out.diagnostics.push_back(diagnostic_of(root.error(), file));
            return out;
        }
        out.root = *root;
        out.kind = kind_of_yaml(*root);
        if (out.kind == FileKind::CondaEnvironment) read_conda_file(*root, directory, options, out);
    }
    if (out.kind != FileKind::CondaEnvironment && out.kind != FileKind::Requirements) {
        std::string message = fmt::format("this is {}", describe(out.kind));
        if (out.root && out.root->is_null())
            message = "the file is empty";
        else if (out.root && !out.root->is_mapping())
            message = fmt::format("the file is {}, not a mapping of keys", out.root->describe());
        out.report(Diagnostic::Severity::Error, {file, 1, 1}, message,
                   out.root ? advice_on_keys(*out.root, out.kind) : std::string(advice(out.kind)));
    }
    sort_by_line(out.diagnostics, file);
    return out;
}

}  // namespace envbuild::spec
