#include "build/doctor_host.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <regex>

#include "base/fs.hpp"
#include "base/strings.hpp"

namespace envbuild::build {

namespace {

std::string first_line(std::string_view text) {
    for (const auto line : split(text, '\n')) {
        if (const auto trimmed = trim(line); !trimmed.empty()) return std::string(trimmed.substr(0, 300));
    }
    return "";
}

// What nvidia-smi says when it fails, and what to do about it.
void describe_failure(const ProcessResult& result, GpuHost& host) {
    const auto said = result.out + "\n" + result.err;
    host.trouble = first_line(result.out).empty() ? first_line(result.err) : first_line(result.out);
    if (host.trouble.empty()) host.trouble = fmt::format("nvidia-smi ended with exit code {}", result.exit_code);
    const auto has = [&](std::string_view text) { return said.find(text) != std::string::npos; };
    if (has("version mismatch")) {
        host.advice = "the driver was updated under a running kernel module: reboot, or unload and load the module";
    } else if (has("couldn't communicate") || has("Driver Not Loaded")) {
        host.advice =
            "load the module (sudo modprobe nvidia); after a kernel update install the driver again; see dmesg";
    } else if (has("No devices were found")) {
        host.advice = "the driver is there and sees no GPU: see lspci and dmesg";
    } else {
        host.advice = "run nvidia-smi by hand, and see dmesg";
    }
}

}  // namespace

std::optional<std::filesystem::path> HostTools::find(std::string_view program) const {
    const auto folders = env_.get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
    for (const auto folder : split(folders, ':')) {
        if (folder.empty()) continue;
        auto file = std::filesystem::path(folder) / program;
        std::error_code ignored;
        if (std::filesystem::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return file;
    }
    return std::nullopt;
}

Expected<ProcessResult> HostTools::run(const std::filesystem::path& program,
                                       const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv{program.string()};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    try {
        return run_process(argv, "", timeout_, cancel_);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::Cancelled) throw;
        return std::unexpected(error);
    }
}

std::filesystem::path HostTools::path(std::string_view absolute) const {
    return root_ / std::filesystem::path(absolute).relative_path();
}

std::optional<std::string> HostTools::read(std::string_view path_below) const {
    std::error_code ignored;
    const auto file = path(path_below);
    if (!std::filesystem::is_regular_file(file, ignored)) return std::nullopt;
    try {
        return read_file(file, 1 << 20);
    } catch (const Error&) {
        return std::nullopt;  // not for this user: as good as absent
    }
}

std::vector<Gpu> parse_gpu_list(std::string_view csv, bool with_compute, std::string& driver) {
    std::vector<Gpu> gpus;
    for (const auto line : split(csv, '\n')) {
        const auto fields = split(line, ',');
        if (fields.size() != (with_compute ? 4U : 3U)) continue;
        Gpu gpu;
        gpu.name = trim(fields[0]);
        driver = trim(fields[1]);
        if (with_compute) {
            if (auto compute = catalog::CudaVersion::parse(fields[2])) gpu.compute = *compute;
        }
        gpu.memory_mib = trim(fields.back());
        gpus.push_back(std::move(gpu));
    }
    return gpus;
}

std::string parse_cuda_version(std::string_view text) {
    static const std::regex kVersion(R"(CUDA (?:UMD )?Version\s*:\s*(\d+\.\d+))");
    std::match_results<std::string_view::const_iterator> match;
    return std::regex_search(text.begin(), text.end(), match, kVersion) ? match[1].str() : "";
}

std::string parse_driver_file(std::string_view text) {
    static const std::regex kVersion(R"(Kernel Module.*?\s(\d{3,4}\.\d+(?:\.\d+)?)\s)");
    std::match_results<std::string_view::const_iterator> match;
    return std::regex_search(text.begin(), text.end(), match, kVersion) ? match[1].str() : "";
}

GpuHost look_for_gpus(const HostTools& tools) {
    GpuHost host;
    if (const auto file = tools.read("/proc/driver/nvidia/version")) host.driver = parse_driver_file(*file);
    const auto smi = tools.find("nvidia-smi");
    if (!smi) {
        if (!host.driver.empty()) {
            host.trouble = "nvidia-smi is not in PATH, so the GPUs cannot be asked";
            host.advice = "install the driver's utilities (nvidia-utils) of the same version";
        }
        return host;
    }
    host.has_smi = true;
    const std::string form = "--format=csv,noheader,nounits";
    for (const bool with_compute : {true, false}) {
        const std::string fields =
            with_compute ? "name,driver_version,compute_cap,memory.total" : "name,driver_version,memory.total";
        const auto result = tools.run(*smi, {"--query-gpu=" + fields, form});
        if (!result) {
            host.trouble = result.error().message();
            host.advice =
                "a driver that hangs often means a GPU that fell off its bus: see dmesg for Xid lines, reboot";
            return host;
        }
        if (result->exit_code == 0) {
            host.gpus = parse_gpu_list(result->out, with_compute, host.driver);
            break;
        }
        // Drivers before 510 do not know compute_cap, and say so; the second question leaves it out.
        const bool unknown_field = (result->out + result->err).find("not a valid field") != std::string::npos;
        if (with_compute && unknown_field) continue;
        describe_failure(*result, host);
        return host;
    }
    if (const auto overview = tools.run(*smi, {}); overview && overview->exit_code == 0)
        host.cuda = parse_cuda_version(overview->out);
    return host;
}

ContainerToolkit look_for_toolkit(const HostTools& tools, bool with_gpu) {
    ContainerToolkit toolkit;
    for (const auto* name : {"nvidia-ctk", "nvidia-container-cli", "nvidia-container-runtime"}) {
        const auto program = tools.find(name);
        if (!program) continue;
        toolkit.program = name;
        if (const auto result = tools.run(*program, {"--version"}); result && result->exit_code == 0) {
            static const std::regex kVersion(R"((\d+\.\d+(?:\.\d+)?))");
            std::smatch match;
            if (std::regex_search(result->out, match, kVersion)) toolkit.version = match[1];
        }
        break;
    }
    for (const auto* folder : {"/etc/cdi", "/var/run/cdi", "/run/cdi"}) {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::directory_iterator(tools.path(folder), ignored)) {
            const auto name = std::string(folder) + "/" + entry.path().filename().string();
            const auto text = tools.read(name);
            if (text && text->find("nvidia.com/gpu") != std::string::npos) toolkit.cdi_specs.push_back(name);
        }
    }
    std::ranges::sort(toolkit.cdi_specs);
    if (const auto cli = tools.find("nvidia-container-cli"); cli && with_gpu) {
        const auto result = tools.run(*cli, {"info"});
        if (!result) {
            toolkit.trouble = result.error().message();
        } else if (result->exit_code != 0) {
            toolkit.trouble = first_line(result->err).empty() ? first_line(result->out) : first_line(result->err);
        }
    }
    return toolkit;
}

}  // namespace envbuild::build
