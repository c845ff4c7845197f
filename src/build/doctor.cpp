#include "build/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "build/doctor_host.hpp"
#include "build/doctor_image.hpp"
#include "build/doctor_services.hpp"
#include "catalog/base_images.hpp"

namespace envbuild::build {

namespace {

class Doctor {
  public:
    Doctor(const DoctorOptions& options, const Workbench& bench, const std::function<void(const Finding&)>& on_finding)
        : options_(options), bench_(bench), tools_(bench.env(), options, bench.cancel()), on_finding_(on_finding) {}

    DoctorReport run() {
        try {
            table_ = catalog::CudaCompat::load(bench_.settings().share_dir / "curated" / "cuda-compat.yaml");
        } catch (const Error& error) {
            // The line about the catalogue says so too; without the table less can be compared.
            bench_.reporter().debug(error.message());
        }
        read_image();
        host_ = look_for_gpus(tools_);
        driver();
        gpus();
        if (needs_ && table_) add(check_image(*needs_, host_, *table_));
        EngineFacts engine;
        auto about_engine = check_engine(bench_, engine);
        toolkit(engine);
        add(std::move(about_engine));
        add(check_registry(bench_));
        add(check_curated_repository(bench_));
        std::vector<std::chrono::seconds> times;
        add(check_channels(options_, bench_, times));
        add(check_index(bench_, times));
        add(check_bases(options_, bench_));
        add(check_disk(bench_));
        add(check_clock(times));
        return std::move(report_);
    }

  private:
    void add(Finding finding) {
        bench_.cancel().throw_if_cancelled();
        if (on_finding_) on_finding_(finding);
        report_.findings.push_back(std::move(finding));
    }
    void add(Findings findings) {
        for (auto& finding : findings) add(std::move(finding));
    }

    [[nodiscard]] bool gpu_needed() const { return options_.gpu || (needs_ && needs_->wants_gpu); }

    void read_image() {
        if (options_.image.empty()) return;
        try {
            needs_ = read_needs(options_.image, options_.platform, bench_);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::Cancelled || error.kind() == ErrorKind::InvalidInput) throw;
            Finding finding{"image", Health::Fail, error.message(), error.hint(), Json::object()};
            finding.facts.set("image", options_.image);
            if (finding.advice.empty())
                finding.advice = "check the name; envbuild lookup prints that of an environment";
            add(std::move(finding));
        }
    }

    void driver() {
        Finding finding{"driver", Health::Ok, "", "", Json::object()};
        finding.facts.set("driver", host_.driver.empty() ? Json() : Json(host_.driver));
        if (!host_.trouble.empty()) {
            finding.health = gpu_needed() || !host_.driver.empty() ? Health::Fail : Health::Warn;
            finding.text = "the NVIDIA driver does not answer: " + host_.trouble;
            finding.advice = host_.advice;
        } else if (host_.driver.empty()) {
            finding.health = gpu_needed() ? Health::Fail : Health::Warn;
            finding.text = host_.has_smi ? "nvidia-smi names no driver" : "there is no NVIDIA driver on this host";
            finding.advice = gpu_needed() ? "install NVIDIA's driver (https://www.nvidia.com/drivers)"
                                          : "nothing, where this host only builds; --gpu says that it must have a GPU";
        } else {
            const auto offered = offered_cuda();
            finding.text = fmt::format("NVIDIA driver {}", host_.driver);
            if (offered) {
                finding.text += fmt::format(", which offers CUDA {}", offered->major_minor());
                const auto exact = table_ ? table_->min_driver(*offered, true) : std::string();
                if (!exact.empty() && offered->major() >= 11)
                    finding.text += fmt::format("; all of {}.x run by minor version compatibility", offered->major());
                finding.facts.set("cuda", offered->major_minor());
            }
        }
        add(std::move(finding));
    }

    // As the driver says it, else as the table has it. The answer is what later checks compare with, too.
    [[nodiscard]] std::optional<catalog::CudaVersion> offered_cuda() {
        if (host_.cuda.empty() && table_) {
            if (const auto known = table_->cuda_of_driver(host_.driver)) host_.cuda = known->major_minor();
        }
        const auto parsed = catalog::CudaVersion::parse(host_.cuda);
        return host_.cuda.empty() || !parsed ? std::nullopt : std::optional(*parsed);
    }

    void gpus() {
        if (host_.gpus.empty()) {
            // Without a driver nothing is known of GPUs, and its line has said so.
            if (host_.driver.empty() || !host_.trouble.empty()) return;
            add({"gpu", gpu_needed() ? Health::Fail : Health::Warn, "the driver sees no GPU",
                 "see lspci and dmesg; in a container, run it with --gpus all", Json::object()});
            return;
        }
        for (std::size_t i = 0; i < host_.gpus.size(); ++i) {
            const auto& gpu = host_.gpus[i];
            Finding finding{
                "gpu", Health::Ok,
                fmt::format("GPU {}: {}, {} MiB{}", i, gpu.name, gpu.memory_mib,
                            gpu.compute ? ", compute capability " + gpu.compute->to_string() : std::string()),
                "", Json::object()};
            finding.facts.set("name", gpu.name)
                .set("memory_mib", gpu.memory_mib)
                .set("compute_capability", gpu.compute ? Json(gpu.compute->to_string()) : Json());
            add(std::move(finding));
        }
    }

    void toolkit(const EngineFacts& engine) {
        const bool has_gpu = !host_.gpus.empty();
        const auto toolkit = look_for_toolkit(tools_, has_gpu);
        Finding finding{"container-toolkit", Health::Ok, "", "", Json::object()};
        finding.facts.set("program", toolkit.program)
            .set("version", toolkit.version)
            .set("cdi_specs", toolkit.cdi_specs)
            .set("engine_runtime", engine.nvidia_runtime);
        const auto bad = gpu_needed() ? Health::Fail : Health::Warn;
        if (!toolkit.present() && !engine.nvidia_runtime) {
            if (!has_gpu && !gpu_needed()) {
                finding.text = "no NVIDIA container toolkit; only a host with GPUs needs it";
            } else {
                finding.health = bad;
                finding.text = "the NVIDIA container toolkit is missing: containers get no GPU";
                finding.advice =
                    "install nvidia-container-toolkit, then: sudo nvidia-ctk runtime configure "
                    "--runtime=docker && sudo systemctl restart docker";
            }
            add(std::move(finding));
            return;
        }
        finding.text =
            fmt::format("NVIDIA container toolkit{}{}", toolkit.program.empty() ? "" : ": " + toolkit.program,
                        toolkit.version.empty() ? "" : " " + toolkit.version);
        if (!toolkit.cdi_specs.empty()) finding.text += "; CDI: " + join(toolkit.cdi_specs, ", ");
        if (engine.nvidia_runtime) finding.text += "; the engine has the runtime nvidia";
        if (!toolkit.trouble.empty()) {
            finding.health = bad;
            finding.text += "; nvidia-container-cli says: " + toolkit.trouble;
            finding.advice = "run nvidia-container-cli -k -d /dev/stderr info by hand";
        } else if (engine.reachable && !engine.nvidia_runtime && toolkit.cdi_specs.empty() &&
                   (has_gpu || gpu_needed())) {
            finding.health = Health::Warn;
            finding.text += "; the engine has neither the runtime nvidia nor a CDI specification";
            finding.advice =
                "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker, or "
                "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml";
        }
        add(std::move(finding));
    }

    const DoctorOptions& options_;
    const Workbench& bench_;
    HostTools tools_;
    const std::function<void(const Finding&)>& on_finding_;
    std::optional<catalog::CudaCompat> table_;
    std::optional<ImageNeeds> needs_;
    GpuHost host_;
    DoctorReport report_;
};

}  // namespace

std::string_view to_string(Health health) {
    switch (health) {
        case Health::Ok:
            return "ok";
        case Health::Warn:
            return "warn";
        case Health::Fail:
            break;
    }
    return "fail";
}

std::size_t DoctorReport::count(Health health) const {
    return static_cast<std::size_t>(std::ranges::count(findings, health, &Finding::health));
}

Json DoctorReport::to_json() const {
    Json list = Json::array();
    for (const auto& finding : findings) {
        list.push(Json::object()
                      .set("check", finding.check)
                      .set("status", to_string(finding.health))
                      .set("text", finding.text)
                      .set("advice", finding.advice.empty() ? Json() : Json(finding.advice))
                      .set("facts", finding.facts));
    }
    const auto worst = count(Health::Fail) > 0 ? Health::Fail : count(Health::Warn) > 0 ? Health::Warn : Health::Ok;
    return Json::object()
        .set("status", to_string(worst))
        .set("fail", static_cast<std::int64_t>(count(Health::Fail)))
        .set("warn", static_cast<std::int64_t>(count(Health::Warn)))
        .set("findings", list);
}

DoctorReport run_doctor(const DoctorOptions& options, const Workbench& bench,
                        const std::function<void(const Finding&)>& on_finding) {
    return Doctor(options, bench, on_finding).run();
}

}  // namespace envbuild::build
