#include <fmt/format.h>

#include "cli/definition_options.hpp"
#include "cli/output_file.hpp"

namespace envbuild::cli {

void add_save_command(CLI::App& app, CommandContext& context, Action& chosen) {
    struct Arguments {
        build::DefinitionEdits edits;
        std::string output;
        bool overwrite = false;
    };
    auto* command = app.add_subcommand("save", "Write an environment as a directory to edit");
    auto arguments = std::make_shared<Arguments>();
    add_definition_options(*command, arguments->edits);
    command->add_option("-o,--output", arguments->output, "The directory to write")->required();
    command->add_flag("--overwrite", arguments->overwrite, "Replace a definition that is there");
    add_common_options(*command, context, true);
    command->footer(
        "The directory is Azure ML's: azureml_environment.json, conda_dependencies.yml, BaseDockerfile where there is "
        "one.\nBuild it, or register it under a name.\n\n"
        "Examples:\n  envbuild save AzureML-PyTorch-1.6-GPU -o pytorch\n  envbuild build pytorch\n"
        "  envbuild save requirements.txt --python 3.11 --gpu -o train\n  envbuild save /opt/conda/envs/train -o "
        "train\n"
        "  envbuild save --dockerfile Dockerfile -o own");
    command->callback([arguments, &context, &chosen] {
        chosen = [arguments, &context] {
            check_output(arguments->output);
            const auto source = build::definition_source(arguments->edits, context.bench());
            write_output(arguments->output, [&] {
                build::save(source, arguments->output, arguments->overwrite, context.bench().cancel());
            });
            context.reporter().note(fmt::format("Saved {} in {}", source.label, arguments->output));
            context.close_display();
            print_answer(context.common.json ? Json::object()
                                                   .set("directory", arguments->output)
                                                   .set("environment", source.label)
                                                   .set("definition", spec::to_json(source.definition))
                                                   .dump()
                                             : arguments->output);
            return 0;
        };
    });
}

}  // namespace envbuild::cli
