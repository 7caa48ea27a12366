# Net::SMPP (Perl) as an ESME; the plan is the first argument (see plan.py).
use strict;
use warnings;
use utf8;
use Encode qw(encode);
use JSON::PP;
use Net::SMPP;

my $plan = decode_json($ARGV[0]);
my (%receipts, @mos);
$| = 1;

sub report { print encode_json({ check => $_[0], ok => $_[1] ? JSON::PP::true : JSON::PP::false, detail => "$_[2]" }), "\n" }

sub check {
    my ($name, $work) = @_;
    my $detail = eval { $work->() };
    report($name, !$@, $@ || ($detail // ''));
}

sub connected {
    my $smpp = Net::SMPP->new_connect($plan->{host}, port => $plan->{port}, async => 1, timeout => $plan->{patience_s})
        or die "cannot connect: $!\n";
    return $smpp;
}

# The next PDU; answers enquire_link, and deliver_sm after keeping it.
sub next_pdu {
    my ($smpp) = @_;
    my $pdu;
    local $SIG{ALRM} = sub { die "nothing came in time\n" };
    alarm $plan->{patience_s};
    $pdu = $smpp->read_pdu() or die "the connection ended\n";
    alarm 0;
    if ($pdu->{cmd} == Net::SMPP::CMD_deliver_sm) {
        $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
        if ($pdu->{esm_class} & 0x3c) {
            (my $id = $pdu->{receipted_message_id} // '') =~ s/\0//g;
            $receipts{$id} = $pdu;
        } else { push @mos, $pdu }
    } elsif ($pdu->{cmd} == Net::SMPP::CMD_enquire_link) { $smpp->enquire_link_resp(seq => $pdu->{seq}) }
    return $pdu;
}

sub answer_to {
    my ($smpp, $seq) = @_;
    while (1) {
        my $pdu = next_pdu($smpp);
        return $pdu if $pdu->{cmd} & 0x80000000 && $pdu->{seq} == $seq;
    }
}

sub accepted {
    my ($pdu) = @_;
    die sprintf("0x%x\n", $pdu->{status}) if $pdu->{status};
    return $pdu;
}

sub bound {
    my ($bind, $password) = @_;
    my $smpp = connected();
    my $seq = $smpp->$bind(system_id => $plan->{system_id}, password => $password // $plan->{password}, interface_version => 0x34);
    return ($smpp, answer_to($smpp, $seq));
}

sub unbind {
    my ($smpp) = @_;
    accepted(answer_to($smpp, $smpp->unbind()));
    my $octets;
    die "the connection stays open\n" if $smpp->sysread($octets, 1);
    return '';
}

sub submit {
    my ($smpp, @fields) = @_;
    my $seq = $smpp->submit_sm(
        source_addr_ton => 5, source_addr_npi => 0, source_addr => 'ACME', dest_addr_ton => 1, dest_addr_npi => 1,
        registered_delivery => 1, @fields,
    );
    my $answer = accepted(answer_to($smpp, $seq));
    die "no message_id\n" unless length $answer->{message_id};
    return $answer->{message_id};
}

sub send_message {
    my ($smpp, @fields) = @_;
    my $id = submit($smpp, @fields);
    next_pdu($smpp) until $receipts{$id};
    return $id;
}

sub ucs2 { encode('UTF-16BE', $_[0]) }

for my $bind (qw(bind_transmitter bind_receiver bind_transceiver)) {
    check($bind, sub { my ($smpp, $answer) = bound($bind); accepted($answer); unbind($smpp); $answer->{system_id} });
}
check('wrong_password', sub {
    my ($smpp, $answer) = bound('bind_transceiver', 'wrong');
    die "bound\n" unless $answer->{status};
    sprintf '0x%x', $answer->{status};
});
my ($smpp, $answer) = bound('bind_transceiver');
my ($to, $texts) = @$plan{qw(to texts)};
check('enquire_link', sub { accepted(answer_to($smpp, $smpp->enquire_link())); '' });
check('plain', sub { send_message($smpp, destination_addr => $to->{plain}, short_message => $texts->{plain}) });
for my $kind (qw(vietnamese chinese emoji)) {
    check($kind, sub {
        send_message($smpp, destination_addr => $to->{$kind}, data_coding => 8, short_message => ucs2($texts->{$kind}));
    });
}
my @parts = unpack '(a134)*', ucs2($texts->{long});
check('long_udh', sub {
    my $number = 0;
    submit($smpp, destination_addr => $to->{long_udh}, data_coding => 8, esm_class => 0x40,
        short_message => pack('C6', 5, 0, 3, 77, scalar @parts, ++$number) . $_) for @parts;
    scalar @parts;
});
check('long_sar', sub {
    my $number = 0;
    submit($smpp, destination_addr => $to->{long_sar}, data_coding => 8, short_message => $_,
        sar_msg_ref_num => pack('n', 78), sar_total_segments => pack('C', scalar @parts),
        sar_segment_seqnum => pack('C', ++$number)) for @parts;
    scalar @parts;
});
check('long_payload', sub {
    send_message($smpp, destination_addr => $to->{long_payload}, data_coding => 8, short_message => '',
        message_payload => ucs2($texts->{long}));
});
my $id;
check('receipt', sub {
    $id = send_message($smpp, destination_addr => $to->{receipt}, short_message => $texts->{plain});
    my $receipt = $receipts{$id};
    die "the text names $receipt->{short_message}\n" unless $receipt->{short_message} =~ /^id:$id .*stat:DELIVRD/;
    die "message_state\n" unless $receipt->{message_state} eq "\2";
    $receipt->{short_message};
});
my @from = (source_addr_ton => 5, source_addr_npi => 0, source_addr => 'ACME');
check('query', sub {
    my $state = accepted(answer_to($smpp, $smpp->query_sm(message_id => $id, @from)));
    die "message_state $state->{message_state}\n" unless $state->{message_state} == 2;
    '';
});
check('cancel', sub {
    my $scheduled = submit($smpp, destination_addr => $to->{cancel}, short_message => $texts->{plain},
        schedule_delivery_time => '000000010000000R');
    accepted(answer_to($smpp, $smpp->cancel_sm(message_id => $scheduled, @from,
        dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $to->{cancel})));
    my $state = accepted(answer_to($smpp, $smpp->query_sm(message_id => $scheduled, @from)));
    die "message_state $state->{message_state} after it\n" unless $state->{message_state} == 4;
    '';
});
check('replace', sub {
    my $scheduled = submit($smpp, destination_addr => $to->{replace}, short_message => 'to be replaced',
        schedule_delivery_time => '000000000002000R');
    accepted(answer_to($smpp, $smpp->replace_sm(message_id => $scheduled, @from, registered_delivery => 1,
        short_message => $texts->{plain})));
    next_pdu($smpp) until $receipts{$scheduled};
    '';
});
check('submit_multi', sub {
    my @numbers = ($to->{submit_multi}, $to->{'submit_multi, second'}, '12');
    my $answer = accepted(answer_to($smpp, $smpp->submit_multi(@from, destination_addr => \@numbers,
        dest_addr_ton => [1, 1, 1], dest_addr_npi => [1, 1, 1], short_message => $texts->{plain})));
    die "unsuccess_sme: $answer->{no_unsuccess}\n" unless $answer->{no_unsuccess} == 1;
    die "unsuccess_sme: $answer->{destination_addr}[0]\n" unless $answer->{destination_addr}[0] eq '12';
    '';
});
check('data_sm', sub {
    my $answer = accepted(answer_to($smpp, $smpp->data_sm(@from, dest_addr_ton => 1, dest_addr_npi => 1,
        destination_addr => $to->{data_sm}, registered_delivery => 1, message_payload => $texts->{plain})));
    next_pdu($smpp) until $receipts{$answer->{message_id}};
    $answer->{message_id};
});
print encode_json({ check => 'mo', ok => undef, detail => 'this carrier has no handsets' }), "\n" if !$plan->{short_code};
$plan->{short_code} and check('mo', sub {
    submit($smpp, destination_addr => $to->{mo}, short_message => "MO $plan->{short_code}");
    next_pdu($smpp) until @mos;
    die "not what was sent\n" unless $mos[0]{source_addr} eq $to->{mo} && $mos[0]{short_message} eq ucs2($texts->{mo});
    '';
});
check('unbind', sub { unbind($smpp) });
