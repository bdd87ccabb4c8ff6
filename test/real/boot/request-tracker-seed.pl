# Makes users and tickets in Request Tracker's own classes, from a JSON document on its input; prints the token of the hub.
# A process of its own instead of thousands of requests: each of those would prepare the mails to everybody concerned.
use strict;
use warnings;
use lib '/usr/share/request-tracker5/lib', '/usr/local/share/request-tracker5/lib';
use RT -init;
use Encode ();
use JSON ();
use MIME::Entity;

my $data = JSON::decode_json(do { local $/; <STDIN> });
my $root = RT::CurrentUser->new;
$root->Load('root');

# Scrips send the mails. They are switched off for the seed only.
my $scrips = RT::Scrips->new(RT->SystemUser);
$scrips->UnLimit;
my @active = grep { !$_->Disabled } @{ $scrips->ItemsArrayRef };
$_->SetDisabled(1) for @active;

my %field;
my $fields = RT::CustomFields->new(RT->SystemUser);
$fields->UnLimit;
$field{ $_->Name } = 'CustomField-' . $_->Id for @{ $fields->ItemsArrayRef };

for my $user (@{ $data->{users} }) {
    my ($id, $why) = RT::User->new($root)->Create(%$user);
    die "user $user->{Name}: $why" unless $id;
}
for my $ticket (@{ $data->{tickets} }) {
    my ($content, $values) = delete @$ticket{qw(Content CustomFields)};
    my ($id, undef, $why) = RT::Ticket->new($root)->Create(
        %$ticket,
        (map { $field{$_} => $values->{$_} } keys %$values),
        MIMEObj => MIME::Entity->build(
            Type => 'text/plain', Charset => 'utf-8', Data => [ Encode::encode('UTF-8', $content) ],
        ),
    );
    die "ticket $ticket->{Subject}: $why" unless $id;
}
$_->SetDisabled(0) for @active;

# One an hour until two weeks ago: reads of changes look back by an hour, and would else begin with all of them.
my $moment = q{datetime('now', '-60 days', '+' || id || ' hours')};
my $stored = RT->DatabaseHandle->SimpleQuery("UPDATE Tickets SET Created = $moment, LastUpdated = $moment");
die $stored->error_message unless $stored;

# RT gives out API tokens in its web page only; this asks the same class behind that page.
my ($made, $why, $token) = RT::AuthToken->new(RT->SystemUser)->Create(Owner => $root->Id, Description => 'Causeway');
die $why unless $made;
print $token;
