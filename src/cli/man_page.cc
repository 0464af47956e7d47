#include <fmt/format.h>

#include <algorithm>

#include "cli/help.h"

namespace dbb::cli {
namespace {

// Text as roff takes it literally: backslashes, dashes that are typed, and control characters at the line's
// start.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + escaped(text) + "\\fR"; }

std::string paragraphs(const std::string& text) {
  std::string out;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find("\n\n", begin), text.size());
    if (begin != 0) out += ".PP\n";
    out += escaped(text.substr(begin, end - begin)) + "\n";
    begin = end + 2;
  }
  return out;
}

std::string option(const OptionSpec& spec) {
  std::string names;
  for (const std::string& name : spec.all_names()) names += (names.empty() ? "" : ", ") + bold(name);
  if (!spec.value.empty()) names += " " + italic(spec.value);
  return ".TP\n" + names + "\n" + escaped(spec.description) + "\n";
}

std::string command(const CommandPage& page) {
  std::string out = ".SS " + bold("dbbackup " + page.help.name());
  for (const ArgumentSpec& argument : page.options.arguments) {
    out += " " + (argument.required ? italic(argument.name) : "[" + italic(argument.name) + "]");
    if (argument.targets != nullptr) out += "...";
  }
  out += "\n" + paragraphs(page.help.description);
  for (const OptionSpec& spec : page.options.options) out += option(spec);
  for (const Example& example : page.help.examples) {
    out += ".PP\n" + escaped(example.purpose) + ":\n.PP\n.RS 4\n.nf\n" + escaped(example.command) +
           "\n.fi\n.RE\n";
  }
  return out;
}

constexpr std::string_view kEnvironment = R"(.SH ENVIRONMENT
.TP
\fBDBBACKUP_REPOSITORY\fR
The repository, unless \fB\-\-repository\fR is given.
.TP
\fBXDG_DATA_HOME\fR, \fBHOME\fR
Where the default repository lies: \fIdbbackup/repository\fR below the user's data directory.
.TP
\fBNO_COLOR\fR, \fBTERM\fR
No colours when NO_COLOR is set or TERM is dumb.
.TP
\fBPGHOST\fR, \fBPGPORT\fR, \fBPGUSER\fR, \fBPGDATABASE\fR, \fBPGSERVICE\fR, \fBPGPASSFILE\fR, ...
As in every program that uses libpq.
.SH FILES
.TP
\fI/etc/dbbackup/config.yaml\fR
The configuration file; docs/configuration.md describes it.
.TP
\fI~/.pgpass\fR
Passwords, as libpq reads them.
.SH EXIT STATUS
.TP
\fB0\fR
Done.
.TP
\fB1\fR
Connection or permission.
.TP
\fB2\fR
Disk space.
.TP
\fB3\fR
Verification failed: a damaged backup, or restored rows that differ.
.TP
\fB4\fR
Partial: something is missing from the result.
.TP
\fB5\fR
Refused: nothing was changed.
.TP
\fB6\fR
Failed: begun and not finished.
.TP
\fB7\fR
The repository cannot be used.
.TP
\fB64\fR
Command line or configuration.
.TP
\fB70\fR
A bug in dbbackup.
.TP
\fB130\fR
Cancelled.
.SH SEE ALSO
\fBpg_dump\fR(1), \fBpg_restore\fR(1), \fBpsql\fR(1)
)";

}  // namespace

std::string render_man_page(const std::vector<CommandPage>& pages) {
  std::string out = fmt::format(".TH DBBACKUP 1 \"\" \"dbbackup {}\" \"dbbackup Manual\"\n", DBB_VERSION);
  out += ".SH NAME\ndbbackup \\- back up PostgreSQL, restore it, and prove that the restore is right\n";
  out += ".SH SYNOPSIS\n\\fBdbbackup\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n";
  out += ".SH COMMANDS\n";
  for (const CommandPage& page : pages) out += command(page);
  GlobalOptions global;
  for (const std::string group : {"Connection options", "General options"}) {
    out += group == "Connection options" ? ".SH CONNECTION OPTIONS\n" : ".SH GENERAL OPTIONS\n";
    for (const OptionSpec& spec : global.specs()) {
      if (spec.group == group) out += option(spec);
    }
  }
  out += ".TP\n" + bold("-?") + ", " + bold("--help") + "\nprint help, for the program or the command\n";
  out += ".TP\n" + bold("--version") + "\nprint the version\n";
  return out.append(kEnvironment);
}

}  // namespace dbb::cli
